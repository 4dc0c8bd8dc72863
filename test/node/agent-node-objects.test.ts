import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { NodeObjects } from "../../components/arbiter/agent/linux/node-objects.ts";
import { MARK, OUT_OF_SERVICE } from "../../components/arbiter/agent/out-of-service.ts";
import { agentRights, agentUser } from "../../components/kubernetes/agent-access.ts";
import { ensureKubernetes } from "../lab/toolchain.ts";
import { ApiServer, type Asked } from "./api-server.ts";
import { eventually } from "./etcd-cluster.ts";

let server: ApiServer;
let nodes: NodeObjects;

// Built at its first use.
beforeAll(() => ensureKubernetes(), 3_600_000);

beforeAll(async () => {
  server = await ApiServer.start("Node,RBAC");
  nodes = new NodeObjects(server.agentAccess("agent"));
  const rights = agentRights([{ name: "n1" }, { name: "n2" }]);
  for (const name of ["n1", "n3"])
    await server.kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name } }));
  // As a node does, with every `up` again.
  const reconcile = ["auth", "reconcile", "--remove-extra-permissions", "--remove-extra-subjects", "--filename=-"];
  for (let i = 0; i < 2; i++) expect(await server.kubectl(reconcile, rights)).toMatchObject({ code: 0 });
  await eventually(() => nodes.read("n1"), 10_000);
}, 150_000);

afterAll(async () => {
  nodes?.close();
  await server?.stop();
});

beforeEach(async () => {
  await becomes("n1", "Unknown");
  await server.ask({
    method: "PATCH",
    path: "/api/v1/nodes/n1",
    body: { metadata: { labels: { rack: "one" }, annotations: { [MARK]: null } }, spec: { taints: [unreachable] } },
  });
});

const unreachable = { key: "node.kubernetes.io/unreachable", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };

/** What its kubelet, or controller-manager in its place, says of a Node. */
async function becomes(name: string, status: "True" | "Unknown"): Promise<void> {
  const conditions = [{ type: "Ready", status, reason: "Test", message: status }];
  const asked: Asked = { method: "PATCH", path: `/api/v1/nodes/${name}/status`, body: { status: { conditions } } };
  expect(await server.ask(asked)).toMatchObject({ status: 200 });
}

async function read(name = "n1") {
  const node = await nodes.read(name);
  if (node === null) throw new Error(`there is no Node ${name}`);
  return node;
}

const set = (resourceVersion: string, taints: object[]) => ({
  metadata: { resourceVersion, annotations: { [MARK]: "n2" } },
  spec: { taints },
});

test("a Node is marked, and keeps what else it has; the mark is taken off again", async () => {
  const before = await read();
  expect(before).toMatchObject({ name: "n1", ready: "Unknown", taints: [unreachable], markedBy: null });
  await nodes.change("n1", set(before.resourceVersion, [...before.taints, OUT_OF_SERVICE]));
  const marked = await read();
  expect(marked).toMatchObject({ ready: "Unknown", taints: [unreachable, OUT_OF_SERVICE], markedBy: "n2" });
  const labels = await server.kubectl(["get", "node", "n1", "-o", "jsonpath={.metadata.labels.rack}"]);
  expect(labels.stdout).toBe("one");

  const { resourceVersion } = marked;
  const patch = { metadata: { resourceVersion, annotations: { [MARK]: null } }, spec: { taints: [unreachable] } };
  await nodes.change("n1", patch);
  expect(await read()).toMatchObject({ taints: [unreachable], markedBy: null });
});

test("a Node that reports itself ready between the look and the request is not marked", async () => {
  const before = await read();
  await becomes("n1", "True");
  await expect(nodes.change("n1", set(before.resourceVersion, [OUT_OF_SERVICE]))).rejects.toThrow(
    /^changing Node n1: 409 .*the object has been modified/,
  );
  expect(await read()).toMatchObject({ ready: "True", taints: [unreachable], markedBy: null });
});

test("a Node that there is not yet is none", async () => {
  expect(await nodes.read("n2")).toBeNull();
});

describe("the agent may do nothing else", () => {
  test("to a Node of no node of the site", async () => {
    await expect(nodes.read("n3")).rejects.toThrow(
      `reading Node n3: 403 nodes "n3" is forbidden: User "${agentUser}" cannot get resource "nodes"`,
    );
    const patch = { metadata: { annotations: { [MARK]: "n2" } } };
    await expect(nodes.change("n3", patch)).rejects.toThrow("403");
  });

  const as = { user: agentUser };
  test.each<[string, Asked]>([
    ["see all Nodes", { method: "GET", path: "/api/v1/nodes" }],
    ["say that a Node is ready", { method: "PATCH", path: "/api/v1/nodes/n1/status", body: {} }],
    ["remove a Node", { method: "DELETE", path: "/api/v1/nodes/n1?dryRun=All" }],
    ["see pods", { method: "GET", path: "/api/v1/pods" }],
    ["see secrets", { method: "GET", path: "/api/v1/namespaces/kube-system/secrets" }],
  ])("%s", async (_, asked) => {
    expect(await server.ask({ ...asked, as })).toMatchObject({ status: 403 });
  });
});

test("where its certificate is an administrator's, as with k3s, it asks in the name of the agent and may do no more", async () => {
  const impersonating = new NodeObjects(server.agentAccess("admin", agentUser));
  expect(await impersonating.read("n1")).toMatchObject({ name: "n1" });
  await expect(impersonating.read("n3")).rejects.toThrow(`User "${agentUser}" cannot get`);
  impersonating.close();
});
