import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

const mounts = [
  "/dev/vda1 / ext4 rw 0 0",
  "tmpfs /var/lib/kubelet/pods/1234/volumes/kubernetes.io~projected/token tmpfs rw 0 0",
  "shm /run/containerd/io.containerd.grpc.v1.cri/sandboxes/1234/shm tmpfs rw 0 0",
  "/dev/drbd10 /var/lib/etcd-transient ext4 rw 0 0",
];

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
  for (const folder of ["tasks", "containers"]) sandbox.mkdir(`/${folder}`);
  sandbox.write("/proc/self/mounts", `${mounts.join("\n")}\n`);
  sandbox.write("/run/netns/cni-1", "");
  sandbox.write("/run/netns/of-somebody-else", "");
  sandbox.write("/run/tandem-pods/tandem-pods/10.244.0.2", "");
  for (const network of ["tandem-pods", "cni-loopback", "of-somebody-else"])
    sandbox.write(`/var/lib/cni/results/${network}-1234-eth0`, "{}");
  for (const program of ["ip", "umount", "systemctl", "sleep"]) sandbox.stub(program, "");
});
afterEach(() => sandbox.dispose());

/** Tasks, each of which ends by the signal of its own. Each is of a container of the same name. */
function tasks(signals: Record<string, string>): void {
  for (const [task, signal] of Object.entries(signals)) {
    sandbox.write(`/tasks/${task}`, signal);
    sandbox.write(`/containers/${task}`, "");
  }
  sandbox.stub(
    "ctr",
    `[ "$1 $3 $4" = "--connect-timeout --namespace k8s.io" ] || exit 1
    shift 4; cd '${sandbox.root}'
    case $* in
      "tasks list --quiet" | "containers list --quiet") ls "$1" ;;
      "tasks kill --signal "*) grep -qx "$4" "tasks/$6" && rm "tasks/$6" ;;
      "containers delete "*) test ! -e "tasks/$3" && rm "containers/$3" ;;
      *) exit 1 ;;
    esac`,
  );
}

function placeOf(mount: number): string | undefined {
  return mounts[mount]?.split(" ")[1];
}

describe("pods-end", () => {
  test("asks every task to end, and kills those that do not", async () => {
    tasks({ polite: "SIGTERM", deaf: "SIGKILL" });
    expect((await sandbox.run("pods-end.sh")).code).toBe(0);
    expect(sandbox.list("/tasks")).toEqual([]);
    expect(sandbox.list("/containers")).toEqual([]);
    const kills = sandbox.callsOf("ctr").filter((call) => call.includes("SIGKILL"));
    expect(kills).toHaveLength(1);
    expect(kills[0]).toContain("deaf");
    expect(sandbox.callsOf("sleep")).toHaveLength(20);
  });

  test("takes away the pods' network and mounts, and nobody else's", async () => {
    tasks({});
    await sandbox.run("pods-end.sh");
    expect(sandbox.callsOf("ip")).toEqual([
      "ip netns delete cni-1",
      "ip link show tandem-pods",
      "ip link delete tandem-pods",
    ]);
    expect(sandbox.callsOf("umount")).toEqual([2, 1].map((i) => `umount ${placeOf(i)}`));
    expect(sandbox.list("/run")).toEqual(["netns"]);
    expect(sandbox.list("/var/lib/cni/results")).toEqual(["of-somebody-else-1234-eth0"]);
  });

  test("leaves no mount in its place that is in use", async () => {
    tasks({});
    sandbox.stub("umount", '[ "$1" = --lazy ]');
    expect((await sandbox.run("pods-end.sh")).code).toBe(0);
    expect(sandbox.callsOf("umount")).toEqual(
      [2, 1].flatMap((i) => [`umount ${placeOf(i)}`, `umount --lazy ${placeOf(i)}`]),
    );
  });

  test("goes on without a container runtime", async () => {
    sandbox.stub("ctr", "exit 1");
    expect((await sandbox.run("pods-end.sh")).code).toBe(0);
    expect(sandbox.callsOf("umount")).toHaveLength(2);
    expect(sandbox.callsOf("sleep")).toEqual([]);
  });
});
