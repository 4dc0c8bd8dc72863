import { spawn } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox, scripts } from "./sandbox.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
  stub({});
});
afterEach(() => sandbox.dispose());

/** What the tools tell; all that k3s may have left is there. */
function stub({ k3s = "inactive", rules = kubeProxyAndOthers }: { k3s?: string; rules?: string }): void {
  sandbox.stub("systemctl", `[ "$1" != show ] || echo ${k3s}`);
  sandbox.write("/rules", rules);
  for (const family of ["iptables", "ip6tables"]) {
    sandbox.stub(`${family}-save`, `cat '${sandbox.root}/rules'`);
    sandbox.stub(`${family}-restore`, `cat >'${sandbox.root}/${family}-after'`);
  }
  sandbox.stub("ipset", `[ "$1" != list ] || printf 'KUBE-SRC-A\nof-somebody\n'`);
}

const ofOthers = [
  "*nat",
  ":PREROUTING ACCEPT [0:0]",
  ":POSTROUTING ACCEPT [0:0]",
  ":DOCKER - [0:0]",
  '-A PREROUTING -m comment --comment "see KUBERNETES.md" -j DOCKER',
  String.raw`-A PREROUTING -m comment --comment "C:\\new\\0101 of \"theirs\"" -j DOCKER`,
  "COMMIT",
];
const kubeProxyAndOthers = [
  ...ofOthers.slice(0, 4),
  ":KUBE-SERVICES - [0:0]",
  ":CNI-HOSTPORT-DNAT - [0:0]",
  ":FLANNEL-POSTRTG - [0:0]",
  '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
  ...ofOthers.slice(4, 6),
  "-A PREROUTING -m addrtype --dst-type LOCAL -j CNI-HOSTPORT-DNAT",
  '-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG',
  "-A KUBE-SERVICES -d 10.43.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-NPX46M4PTMTKRN6Y",
  '-A FLANNEL-POSTRTG -s 10.42.0.0/16 -m comment --comment "flanneld masq" -j MASQUERADE --random-fully',
  "COMMIT",
].join("\n");

describe("k3s-pods-end, on a network, with mounts and processes of its own,", () => {
  /** In namespaces of their own, with folders of their own in the place of /run, /var/lib and the control groups. */
  const inNamespaces = async (commands: string) => {
    const prepare = [
      "set -e",
      "unset TANDEM_ROOT",
      "for folder in /run /var/lib /sys/fs/cgroup; do mount -t tmpfs tmpfs $folder; done",
      "ip link set lo up",
      // What k3s leaves.
      "mkdir -p /run/netns /run/k3s/containerd/rootfs /run/flannel /var/lib/kubelet/pods/1/volumes/token /var/lib/rancher/k3s/storage /var/lib/cni/networks/cbr0 /var/lib/cni/networks/other /var/lib/other",
      "ip link add name cni0 type bridge",
      "ip link add name flannel.1 type vxlan id 1 dstport 8472",
      "ip link add name other0 type bridge",
      "ip netns add cni-1; ip netns add other",
      "ip link add name veth1 type veth peer name eth0 netns cni-1; ip link set veth1 master cni0",
      "for place in /run/k3s/containerd/rootfs /var/lib/kubelet/pods/1 /var/lib/other; do mount -t tmpfs tmpfs $place; done",
      "mkdir /var/lib/kubelet/pods/1/inner; mount -t tmpfs tmpfs /var/lib/kubelet/pods/1/inner",
      "mkdir -p /sys/fs/cgroup/kubepods/besteffort/pod1 /sys/fs/cgroup/system.slice/k3s.service /sys/fs/cgroup/system.slice/sshd.service",
      "for group in kubepods system.slice/k3s.service system.slice/sshd.service; do : >/sys/fs/cgroup/$group/cgroup.kill; done",
    ];
    const words = [...prepare, "set +e", commands.replaceAll(/\bend_pods\b/g, `"${scripts}k3s-pods-end.sh"`)].join(
      "\n",
    );
    return sandbox.run("k3s-pods-end.sh", [], { prefix: ["unshare", "-rnm", "bash", "-c", words] });
  };

  test("takes all of that away, and nothing of anybody else's", async () => {
    const { code, stdout, stderr } = await inNamespaces(`
      end_pods; echo "ended with $?"
      ip -brief link | cut -d' ' -f1; ip netns list; ls /run/flannel 2>&1; ls /var/lib/cni /var/lib/cni/networks
      grep -oE ' (/run/k3s/|/run/netns/(cni-|other)|/var/lib/)[^ ]*' /proc/self/mounts
      grep -H . -r /sys/fs/cgroup | sort`);
    expect(stderr).toBe("");
    expect(code).toBe(0);
    expect(stdout.trimEnd().split("\n")).toEqual([
      "ended with 0",
      "lo",
      "other0",
      "other",
      "ls: cannot access '/run/flannel': No such file or directory",
      "/var/lib/cni:",
      "networks",
      "",
      "/var/lib/cni/networks:",
      "other",
      " /run/netns/other",
      " /var/lib/other",
      "/sys/fs/cgroup/kubepods/cgroup.kill:1",
      "/sys/fs/cgroup/system.slice/k3s.service/cgroup.kill:1",
    ]);
  });

  test("finds nothing to do a second time", async () => {
    const { stdout, stderr } = await inNamespaces("end_pods; end_pods; echo $?");
    expect({ stdout, stderr }).toEqual({ stdout: "0\n", stderr: "" });
  });
});

describe("k3s-pods-end", () => {
  test("asks a pod's processes to end before it kills what is left", async () => {
    const pod = spawn("sleep", ["60"]);
    const ended = new Promise((resolve) => pod.once("exit", (_code, signal) => resolve(signal)));
    sandbox.write("/sys/fs/cgroup/kubepods/pod1/cgroup.procs", `${pod.pid}\n`);
    sandbox.write("/sys/fs/cgroup/kubepods/cgroup.kill", "");
    sandbox.write("/proc/self/mounts", "");
    // The kernel takes a process out of its group when it ends; here the first look after the signal does.
    sandbox.stub("sleep", `: >'${sandbox.root}/sys/fs/cgroup/kubepods/pod1/cgroup.procs'`);
    expect((await sandbox.run("k3s-pods-end.sh")).code).toBe(0);
    expect(await ended).toBe("SIGTERM");
    expect(sandbox.callsOf("sleep")).toHaveLength(1);
    expect(sandbox.read("/sys/fs/cgroup/kubepods/cgroup.kill")).toBe("1\n");
  });

  test("takes its rules out of the packet filter and leaves all others", async () => {
    sandbox.write("/proc/self/mounts", "");
    await sandbox.run("k3s-pods-end.sh");
    for (const family of ["iptables", "ip6tables"])
      expect(sandbox.read(`/${family}-after`).trimEnd().split("\n")).toEqual(ofOthers);
    expect(sandbox.callsOf("ipset")).toEqual(["ipset list -name", "ipset destroy KUBE-SRC-A"]);
  });

  test("does not touch a packet filter in which there is nothing of it", async () => {
    stub({ rules: ofOthers.join("\n") });
    sandbox.write("/proc/self/mounts", "");
    await sandbox.run("k3s-pods-end.sh");
    expect([...sandbox.callsOf("iptables-restore"), ...sandbox.callsOf("ip6tables-restore")]).toEqual([]);
  });

  test("goes on where k3s has failed", async () => {
    stub({ k3s: "failed" });
    sandbox.write("/proc/self/mounts", "");
    expect((await sandbox.run("k3s-pods-end.sh")).code).toBe(0);
  });

  test.each(["active", "activating", "deactivating"])("leaves everything to a k3s that is %s", async (k3s) => {
    stub({ k3s });
    const { code, stderr } = await sandbox.run("k3s-pods-end.sh");
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "k3s runs, or is about to, and would start its pods again: systemctl stop k3s\n",
    });
    expect(sandbox.calls).toEqual(["systemctl show --property=ActiveState --value k3s.service"]);
  });
});
