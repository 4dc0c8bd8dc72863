import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../components/arbiter/agent/linux/members.ts";
import { listMembers, type Member, memberStatus } from "../../components/cli/etcd-client.ts";
import { carryOut } from "../../components/cli/replace/carry-out.ts";
import { planOf } from "../../components/cli/replace/judge.ts";
import { Failure } from "../../components/cli/verb.ts";
import { isReplacement } from "../../components/cli/volume/join.ts";
import type { VolumeOrder } from "../../components/cli/volume/order.ts";
import { volumeOrder } from "../../components/drbd.ts";
import { clientUrls, EtcdCluster, eventually, plan } from "./etcd-cluster.ts";

/** One story: node two is lost, replaced, and comes back. */
let cluster: EtcdCluster;
let agent: EtcdClient;
let lostId: string;

const [one, two] = plan.nodes;
const lost = { name: "E2", peerUrl: `https://${two.backend}:2380`, answers: false } as const;
const base64 = (text: string) => Buffer.from(text).toString("base64");

beforeAll(async () => {
  cluster = await EtcdCluster.start();
  agent = new EtcdClient({ own: clientUrls.E1, pki: cluster.agentPki });
  await eventually(async () => {
    const list = await members();
    if (list.some(({ name }) => name === "")) throw new Error("a member has not started");
  });
  await eventually(async () => agent.moveLeader("E2", clientUrls));
  await cluster.ask(clientUrls.E1, "/v3/kv/put", { key: base64("k"), value: base64("kept") });
}, 1_800_000);
afterAll(async () => {
  agent.close();
  await cluster.stop();
});

const members = () => listMembers(clientUrls.E1, cluster.agentPki);
const e2 = (list: readonly Member[]) => list.find(({ peerUrls }) => peerUrls.includes(lost.peerUrl));

/** What a blank node two is told by `pulumi up`. */
function order(): VolumeOrder {
  const nodes = [
    { ...one, disk: "/dev/a" },
    { ...two, disk: "/dev/b" },
  ] as const;
  const drbd = { version: "auto", port: 7788, minor: 10, resyncRateBytesPerSecond: 1, package: undefined } as const;
  return volumeOrder({ site: plan.site, nodes, drbd, quotaBackendBytes: 2 ** 26, purge: false }, 1);
}
const isExpected = () => isReplacement(order(), (url) => listMembers(url, cluster.agentPki));

test("a blank machine is refused while etcd has the lost machine's member", async () => {
  lostId = e2(await members())?.id ?? "";
  await cluster.kill("E2");
  // Until E1 and T have elected a leader again, nobody can say.
  await eventually(members);
  await expect(isExpected()).rejects.toThrow(
    new Failure(
      "n1 runs the site's etcd, and this machine is blank. If n2 is a new machine in the place of a lost one, run `tandem replace " +
        "n2` on n1, and then `pulumi up` again",
    ),
  );
});

test("the member is removed and a new one expected, by a run that was interrupted in between as well", async () => {
  const [whole, pki] = [planOf({ members: await members(), lost } as never), cluster.agentPki];
  expect(whole).toMatchObject({ remove: { id: lostId, name: "E2" }, add: true });
  await carryOut({ ...whole, add: false }, lost.peerUrl, { url: clientUrls.E1, pki });
  const rest = planOf({ members: await members(), lost } as never);
  expect(rest).toEqual({ remove: undefined, add: true });
  await carryOut(rest, lost.peerUrl, { url: clientUrls.E1, pki });
  expect(planOf({ members: await members(), lost } as never)).toEqual({ remove: undefined, add: false });
  expect(await isExpected()).toBe(true);
  expect((await members()).length).toBe(3);
}, 60_000);

test("the new machine's member joins with the product's second configuration, and has the data", async () => {
  cluster.restartE2("new");
  const { memberId } = await eventually(async () => {
    const status = await memberStatus(clientUrls.E2, cluster.agentPki);
    if (!status.hasLeader) throw new Error("no leader yet");
    return status;
  });
  expect(memberId).not.toBe(BigInt(lostId).toString(16));
  const { kvs } = await cluster.ask(clientUrls.E2, "/v3/kv/range", { key: base64("k") });
  expect(kvs).toMatchObject([{ value: base64("kept") }]);
  expect((await members()).map(({ name }) => name).sort()).toEqual(["E1", "E2", "T"]);
}, 60_000);

test("the agent, which knew the lost member, moves the leader to the new one", async () => {
  await eventually(() => agent.moveLeader("E2", clientUrls));
  await eventually(async () => {
    expect((await agent.members()).leader).toBe("E2");
  });
}, 60_000);

test("the lost machine's member is not taken back", async () => {
  await cluster.kill("E2");
  cluster.restartE2("old");
  await eventually(async () => {
    expect(cluster.exitCode("E2")).not.toBeNull();
  });
  expect(cluster.log("E2")).toContain("the member has been permanently removed from the cluster");
}, 60_000);

test("a sibling without etcd is no site yet: both machines are new", async () => {
  const nobody = { ...order(), siblingEtcd: "https://127.77.1.13:2379" };
  expect(await isReplacement(nobody, (url) => listMembers(url, cluster.agentPki))).toBe(false);
});

test("a sibling whose etcd has no quorum says nothing, and that is no permission", async () => {
  await cluster.kill("T");
  await expect(isExpected()).rejects.toThrow(
    new Failure("etcd at https://127.77.1.11:2379 does not answer: 503 etcdserver: request timed out"),
  );
}, 60_000);
