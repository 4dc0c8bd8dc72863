import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { askServers, type EtcdCheck, failuresOf, judgeServers } from "../../components/cli/etcd-check/servers.ts";
import { issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import { clientUrls, EtcdCluster, eventually } from "./etcd-cluster.ts";
import { valid } from "./site-certificates.ts";

const servers = Object.values(clientUrls);
const [first = "", second = "", third = ""] = servers;

let cluster: EtcdCluster;
let check: EtcdCheck;
const others: Server[] = [];

beforeAll(async () => {
  cluster = await EtcdCluster.start();
  const read = (file: string) => readFileSync(join(cluster.agentPki, file), "utf8");
  const [ca, certificate, key] = [read("etcd-ca.crt"), read("etcd-client.crt"), read("etcd-client.key")];
  check = { node: "n1", servers, ca, certificate, key };
  await eventually(async () => expect(await problems()).toEqual([]));
}, 1_800_000);
afterAll(() => cluster.stop());
afterEach(() => {
  for (const server of others.splice(0)) server.close();
});

async function problems(change: Partial<EtcdCheck> = {}, limitMs = 2000): Promise<string[]> {
  const changed = { ...check, ...change };
  return judgeServers(changed, await askServers(changed, limitMs));
}

/** A port of this machine where something else is. */
async function listen(server: Server): Promise<string> {
  others.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test("every server tells who it is, of which cluster, and its release", async () => {
  const answers = await askServers(check);
  expect(answers.map((answer) => "version" in answer && answer.hasLeader)).toEqual([true, true, true]);
  expect(new Set(answers.map((answer) => "cluster" in answer && answer.cluster)).size).toBe(1);
  expect(new Set(answers.map((answer) => "member" in answer && answer.member)).size).toBe(3);
});

test("a member that is there under two addresses counts once", async () => {
  const { hostname, port } = new URL(first);
  const proxy = createServer((socket) => {
    const onward = connect(Number(port), hostname);
    socket.pipe(onward).pipe(socket);
    for (const end of [socket, onward]) end.on("error", () => socket.destroy());
  });
  const twin = await listen(proxy);
  expect(await problems({ servers: [first, twin, third] })).toEqual([
    expect.stringMatching(`^${twin} and ${first} are one and the same member, [0-9a-f]+; name each member once\\.$`),
  ]);
});

test("a client of another authority is told so by every server, which is named with its node", async () => {
  const stranger = await issueAuthority("another CA", valid);
  const subject = { commonName: "api", dnsNames: [], ipAddresses: [], usages: ["client" as const] };
  const { certificatePem, privateKeyPem } = await issueLeaf(subject, valid, stranger);
  const [summary, ...each] = await problems({ certificate: certificatePem, key: privateKeyPem });
  expect(summary).toBe("n1 reaches 0 of 3 servers, and 2 are a quorum.");
  expect(each).toEqual(servers.map((url) => expect.stringMatching(`^${url}: .*(alert|ECONNRESET|hang up)`)));
});

test("servers of another authority are not believed", async () => {
  const { certificatePem } = await issueAuthority("another CA", valid);
  const [, ...each] = await problems({ ca: certificatePem });
  expect(each).toEqual(servers.map((url) => expect.stringMatching(`^${url}: .*certificate`)));
});

test("one that accepts and stays silent costs its time limit, and one that is no etcd is told", async () => {
  const silent = await listen(createServer(() => {}));
  const startedAt = performance.now();
  const answers = await askServers({ ...check, servers: [silent, first, second] }, 500);
  expect(performance.now() - startedAt).toBeLessThan(1500);
  expect(failuresOf(silent, answers[0] ?? { failure: "" })).toEqual([`${silent}: no answer within 0.5 s.`]);
  expect(judgeServers({ node: "n1", servers: [silent, first, second] }, answers)).toEqual([]);
});

test("a minority may be away, a quorum may not", async () => {
  await cluster.kill("T");
  await eventually(async () => expect(await problems()).toEqual([]));
  expect(failuresOf(third, (await askServers(check))[2] ?? { failure: "" })).toEqual([
    expect.stringMatching(`^${third}: connect ECONNREFUSED`),
  ]);
  await cluster.kill("E2");
  await eventually(async () =>
    expect(await problems()).toEqual([
      "n1 reaches 0 of 3 servers, and 2 are a quorum.",
      `${first}: it knows no leader, so it reaches no quorum itself.`,
      expect.stringMatching(`^${second}: connect ECONNREFUSED`),
      expect.stringMatching(`^${third}: connect ECONNREFUSED`),
    ]),
  );
});
