import { afterAll, beforeAll, expect, test } from "vitest";
import { EtcdClient } from "../../components/arbiter/agent/linux/members.ts";
import { keysUnder } from "../../components/cli/etcd-client.ts";
import { clientUrls, EtcdCluster, eventually } from "./etcd-cluster.ts";

let cluster: EtcdCluster;
let client: EtcdClient;

beforeAll(async () => {
  cluster = await EtcdCluster.start();
  client = new EtcdClient({ own: clientUrls.E1, pki: cluster.agentPki });
}, 1_800_000);
afterAll(async () => {
  client.close();
  await cluster.stop();
});

const led = (by?: "E1" | "E2") =>
  eventually(async () => {
    const members = await client.members();
    if (!members.healthy || (by !== undefined && members.leader !== by)) throw new Error(JSON.stringify(members));
    return members;
  });

test("the own member names the leader by its place and tells how far it is", async () => {
  const members = await led();
  expect(["E1", "E2", "T"]).toContain(members.leader);
  expect(members.applied).toBeGreaterThan(0);
});

test("the leader moves to either regular member, whoever has it", async () => {
  await led();
  for (const to of ["E2", "E1", "E2"] as const) {
    await client.moveLeader(to, clientUrls);
    await led(to);
  }
});

test("moving it to where it is does nothing", async () => {
  await client.moveLeader("E1", clientUrls);
  await led("E1");
  await client.moveLeader("E1", clientUrls);
  expect((await client.members()).leader).toBe("E1");
});

test("a leader that cannot be reached is told in words", async () => {
  await client.moveLeader("E2", clientUrls);
  await led("E2");
  await expect(client.moveLeader("E1", { ...clientUrls, E2: "https://127.77.1.12:1" })).rejects.toThrow(
    /127\.77\.1\.12:1\/v3\/maintenance\/transfer-leadership: connect ECONNREFUSED/,
  );
});

test("keys are listed by how they begin, and by nothing else", async () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  for (const key of ["/bootstrap", "/bootstrap/1", "/bootstrap/2", "/bootstrap0", "/registry/x"])
    await cluster.ask(clientUrls.E1, "/v3/kv/put", { key: base64(key), value: base64("value") });
  const pki = cluster.agentPki;
  expect(await keysUnder(clientUrls.E1, "/bootstrap/", pki)).toEqual(["/bootstrap/1", "/bootstrap/2"]);
  expect(await keysUnder(clientUrls.E1, "/nothing/", pki)).toEqual([]);
});

test("a member that is not there is not healthy, and leads nobody", async () => {
  const gone = new EtcdClient({ own: "https://127.77.1.13:2379", pki: cluster.agentPki });
  expect(await gone.members()).toEqual({ healthy: false, leader: "none", applied: 0 });
  gone.close();
});
