import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { clientUrls, EtcdCluster, eventually, type Json } from "./etcd-cluster.ts";

let cluster: EtcdCluster;

beforeAll(async () => {
  cluster = await EtcdCluster.start();
  await eventually(async () => {
    for (const base of Object.values(clientUrls)) {
      const { leader } = await cluster.ask(base, "/v3/maintenance/status");
      if (leader === undefined || leader === "0") throw new Error(`${base} knows no leader`);
    }
  });
}, 1_800_000);

afterAll(() => cluster.stop());

async function members(): Promise<Json[]> {
  return (await cluster.ask(clientUrls.E1, "/v3/cluster/member/list")).members as Json[];
}

async function idOf(name: string): Promise<string> {
  return String((await members()).find((entry) => entry.name === name)?.ID);
}

async function leader(base: string): Promise<string> {
  const { leader: id } = await cluster.ask(base, "/v3/maintenance/status");
  return String((await members()).find((entry) => entry.ID === id)?.name);
}

test("the three members form one cluster, T with a peer URL on either node", async () => {
  const listed = await eventually(async () => {
    const list = await members();
    if (list.some((entry) => entry.name === undefined)) throw new Error("a member has not published itself yet");
    return list;
  });
  const peers = Object.fromEntries(listed.map((entry) => [entry.name, (entry.peerURLs as string[]).sort()]));
  expect(peers).toEqual({
    E1: ["https://127.77.2.11:2380"],
    E2: ["https://127.77.2.12:2380"],
    T: ["https://127.77.2.11:2382", "https://127.77.2.12:2382"],
  });
});

test("what one member writes another reads", async () => {
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  await cluster.ask(clientUrls.E2, "/v3/kv/put", { key: base64("k"), value: base64("v") });
  const { kvs } = await cluster.ask(clientUrls.T, "/v3/kv/range", { key: base64("k") });
  expect(kvs).toMatchObject([{ value: base64("v") }]);
});

test("the leadership is moved through the HTTP gateway of the member that leads, to either side", async () => {
  for (const target of ["E1", "E2", "E1"]) {
    const at = await leader(clientUrls.E1);
    if (at === target) continue;
    await cluster.ask(clientUrls[at as keyof typeof clientUrls], "/v3/maintenance/transfer-leadership", {
      targetID: await idOf(target),
    });
    expect(await eventually(() => leader(clientUrls.E1))).toBe(target);
  }
});

test("a member that does not lead refuses to move the leadership", async () => {
  const follower = (await leader(clientUrls.E1)) === "E1" ? "E2" : "E1";
  const asked = cluster.ask(clientUrls[follower], "/v3/maintenance/transfer-leadership", { targetID: await idOf("T") });
  await expect(asked).rejects.toThrow("not leader");
});

test.each(Object.entries(clientUrls))("%s talks to nobody without a client certificate", async (_name, base) => {
  await expect(cluster.post(base, "/v3/maintenance/status", {})).rejects.toThrow(
    /certificate|ECONNRESET|socket hang up/,
  );
});

describe("etcd itself says what is in force", () => {
  const settings = (member: string): Json => {
    const line = cluster
      .log(member)
      .split("\n")
      .find((text) => text.includes('"msg":"starting an etcd server"'));
    return JSON.parse(line ?? "{}") as Json;
  };

  test.each([
    ["E1", { "election-timeout": "1s", "initial-election-tick-advance": true }],
    ["E2", { "election-timeout": "5s", "initial-election-tick-advance": false }],
    ["T", { "election-timeout": "1s", "initial-election-tick-advance": false }],
  ])("%s", (member, own) => {
    expect(settings(member)).toMatchObject({
      ...own,
      name: member,
      "heartbeat-interval": "100ms",
      "initial-cluster-state": "new",
      "initial-cluster-token": "tandem-store-0042",
      "quota-backend-bytes": 64 * 2 ** 20,
      "pre-vote": true,
      "initial-corrupt-check": true,
      "corrupt-check-time-interval": "4h0m0s",
      "compact-check-time-enabled": true,
      "auto-compaction-mode": "periodic",
      "auto-compaction-retention": "1h0m0s",
    });
  });
});
