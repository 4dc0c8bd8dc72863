import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { K3sConfig } from "../../../components/config/kubernetes-config.ts";
import { kubernetesTimes } from "../../../components/config/kubernetes-timing.ts";
import { profileOf } from "../../../components/datastore/profile.ts";
import { agentAccess, agentRights } from "../../../components/kubernetes/agent-access.ts";
import { k3sFiles } from "../../../components/kubernetes/k3s.ts";
import { k3sOptions, kubeletSettings } from "../../../components/kubernetes/k3s-config.ts";
import { k3sKubeconfig } from "../../../components/kubernetes/kubeconfig.ts";
import { readSite } from "../../golden/rendered.ts";

const site = readSite("example-k3s");
const kubernetes = site.kubernetes as K3sConfig;
const plan = {
  nodes: site.nodes,
  kubernetes,
  datastore: profileOf(site),
  times: kubernetesTimes(kubernetes, profileOf(site).gaps),
  artifacts: site.artifacts,
  purge: false,
};
const options = [k3sOptions(plan, 0), k3sOptions(plan, 1)] as const;

describe("the agent's rights", () => {
  const manifest = "/var/lib/rancher/k3s/server/manifests/tandem-agent.yaml";

  it("are among what k3s makes, where lost nodes are to be marked", () => {
    const { files } = k3sFiles({ ...plan, kubernetes: { ...kubernetes, outOfServiceTaint: true } }, 0);
    expect(files?.[manifest]?.content).toBe(agentRights(plan.nodes));
    expect(k3sFiles(plan, 0).files).not.toHaveProperty([manifest]);
  });

  it("are to read and to change the Node objects of the site, by name", () => {
    const [role, binding] = parseAllDocuments(agentRights(plan.nodes)).map((document) => document.toJS());
    expect(role.rules).toEqual([
      { apiGroups: [""], resources: ["nodes"], resourceNames: ["n1", "n2"], verbs: ["get", "patch"] },
    ]);
    expect(binding.subjects).toMatchObject([{ kind: "User", name: "tandem-agent" }]);
    expect(binding.roleRef.name).toBe(role.metadata.name);
  });

  it("bound what an administrator's certificate may do in the agent's hands", () => {
    expect(agentAccess(kubernetes)).toBeNull();
    expect(agentAccess({ ...kubernetes, outOfServiceTaint: true })).toMatchObject({ impersonate: "tandem-agent" });
  });
});

describe("k3s's configuration", () => {
  it("names every server of an etcd cluster of somebody else, and the certificate for them", () => {
    const datastore = profileOf(readSite("example-external-etcd"));
    expect(k3sOptions({ ...plan, datastore }, 0)).toMatchObject({
      "datastore-endpoint": "https://10.77.1.31:2379,https://10.77.1.32:2379,https://10.77.1.33:2379",
      "datastore-cafile": "/etc/tandem/pki/kubernetes/etcd-ca.crt",
      "datastore-certfile": "/etc/tandem/pki/kubernetes/etcd-client.crt",
      "datastore-keyfile": "/etc/tandem/pki/kubernetes/etcd-client.key",
    });
  });

  it("has only options of k3s, each a value or a switch as k3s has it", () => {
    const listed = readFileSync(join(import.meta.dirname, "k3s-server-flags.txt"), "utf8")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    for (const [name, value] of Object.entries(options[0]))
      expect(listed).toContain(typeof value === "boolean" ? name : `${name}=`);
  });

  it("is the same on both nodes but for who they are: k3s refuses servers that differ", () => {
    const own = new Set(["node-name", "node-ip", "advertise-address"]);
    const common = options.map((each) => Object.fromEntries(Object.entries(each).filter(([name]) => !own.has(name))));
    expect(common[0]).toEqual(common[1]);
    expect(options.map((each) => each["node-ip"])).toEqual(["10.77.1.11", "10.77.1.12"]);
  });

  it("knows its node's etcd member alone", () => {
    for (const each of options) expect(each["datastore-endpoint"]).toBe("https://127.0.0.1:2379");
  });

  it("has a certificate for the address of the API and for both nodes", () => {
    for (const each of options) expect(each["tls-san"]).toEqual(["10.77.1.10", "n1", "10.77.1.11", "n2", "10.77.1.12"]);
  });

  it("lets everything that holds a lease keep it over the longest gap of the datastore", () => {
    const election = [
      "leader-elect-lease-duration=23s",
      "leader-elect-renew-deadline=21s",
      "leader-elect-retry-period=2s",
    ];
    for (const program of ["kube-controller-manager", "kube-scheduler", "kube-cloud-controller-manager"])
      expect(options[0][`${program}-arg`]).toEqual(expect.arrayContaining(election));
  });
});

it("a node may miss two renewals of its lease after the longest gap before it counts as lost", () => {
  const renewMs = (kubeletSettings().nodeLeaseDurationSeconds * 1000) / 4;
  expect(plan.times.nodeMonitorGraceMs).toBeGreaterThanOrEqual(plan.times.longestGapMs + 2 * renewMs);
});

describe("k3s's files", () => {
  const files = k3sFiles(plan, 0);

  it("hold no secret: the token is in a file of its own, which is not among them", () => {
    expect(options[0]["token-file"]).toBe("/etc/rancher/k3s/token");
    expect(Object.keys(files.files ?? {})).not.toContain("/etc/rancher/k3s/token");
  });

  it("are for root alone where they say how the API is guarded", () => {
    for (const path of ["/etc/rancher/k3s/config.yaml", "/etc/tandem/kubernetes/admission.yaml"])
      expect(files.files?.[path]?.mode).toBe("0600");
  });

  it("leave k3s's own folder closed where one of them makes it", () => {
    const folder = "/var/lib/rancher/k3s/server";
    expect(files.directories).not.toHaveProperty([folder]);
    const { directories } = k3sFiles({ ...plan, kubernetes: { ...kubernetes, outOfServiceTaint: true } }, 0);
    expect(directories).toHaveProperty([folder], { mode: "0700" });
  });

  it("bring the program and its images, both pinned, from the release or from the bundle's folder of that release", () => {
    const release = "https://github.com/k3s-io/k3s/releases/download/v1.34.4%2Bk3s1";
    expect(files.artifacts).toEqual([
      {
        name: "k3s",
        url: `${release}/k3s`,
        folder: undefined,
        sha256: kubernetes.sha256.k3s,
        install: { "/usr/local/bin/k3s": "." },
      },
      {
        name: "k3s-images",
        url: `${release}/k3s-airgap-images-amd64.tar.zst`,
        folder: undefined,
        sha256: kubernetes.sha256.images,
        install: { "/var/lib/rancher/k3s/agent/images/k3s-airgap-images-amd64.tar.zst": "." },
        mode: "0644",
      },
    ]);
    const bundled = k3sFiles({ ...plan, artifacts: { bundle: "/opt/bundle", node: undefined } }, 0).artifacts ?? [];
    expect(bundled.map(({ folder }) => folder)).toEqual(Array(2).fill("/opt/bundle/k3s-v1.34.4+k3s1"));
  });

  it("restart k3s with each file that it reads only when it starts, and what ends its pods with none", () => {
    const paths = Object.keys(files.files ?? {}).filter((path) => !/probe|pods/.test(path));
    const [pods, k3s] = files.units ?? [];
    expect(k3s?.restartOn).toEqual(expect.arrayContaining([...paths, "/usr/local/bin/k3s", "/etc/rancher/k3s/token"]));
    // Units are stopped from the last to the first: k3s, then its pods.
    expect(pods).toEqual({ name: "tandem-k3s-pods.service", enable: true, state: "started" });
  });
});

describe("an operator's kubeconfig", () => {
  const ofNode = (user: object) => ({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      { name: "default", cluster: { "certificate-authority-data": "Y2E=", server: "https://127.0.0.1:6443" } },
    ],
    users: [{ name: "default", user }],
  });

  it("is the node's, at the address of the site", () => {
    const text = JSON.stringify(ofNode({ "client-certificate-data": "Y3J0", "client-key-data": "a2V5" }));
    expect(parse(k3sKubeconfig("store-0042", kubernetes.endpoint, text))).toEqual({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        {
          name: "store-0042",
          cluster: { server: "https://10.77.1.10:6443", "certificate-authority-data": "Y2E=" },
        },
      ],
      users: [{ name: "store-0042", user: { "client-certificate-data": "Y3J0", "client-key-data": "a2V5" } }],
      contexts: [{ name: "store-0042", context: { cluster: "store-0042", user: "store-0042" } }],
      "current-context": "store-0042",
    });
  });

  it.each([
    ["", "nothing"],
    ["a text", "a text"],
    [JSON.stringify(ofNode({ "client-key-data": "a2V5" })), "one without a certificate"],
  ])("is not made of anything else, which is not repeated: %#", (text) => {
    expect(() => k3sKubeconfig("store-0042", kubernetes.endpoint, text)).toThrow(
      /^the kubeconfig on the node does not hold the trust, the certificate and the key of an operator$/,
    );
  });
});
