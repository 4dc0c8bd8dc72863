import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { PlainEtcd } from "../lab/plain-etcd.ts";
import { say } from "../lab/progress.ts";
import { Cluster } from "./api/cluster.ts";
import { EXTERNAL_GUESTS, startEtcd, useEtcd } from "./external-etcd.ts";
import { failing } from "./failing-up.ts";
import { scenarioOn } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

const minute = 60_000;
/** What the configuration assumes where it says nothing. */
const longestGapMs = 15_000;
const foreign = ["/of/somebody/else", "stays"] as const;

scenarioOn(
  EXTERNAL_GUESTS,
  "Kubernetes on somebody else's etcd survives the loss of a server and of a node, and leaves it as it was",
  async (site) => {
    const etcd = await startEtcd(site);
    const [first] = etcd.client.endpoints;
    if (first === undefined) throw new Error("the cluster has no server");
    await etcd.etcdctl(first.url, "put", ...foreign);
    await useEtcd(site, etcd);
    await refusedWithoutQuorum(site, etcd);

    await site.up();
    const cluster = await Cluster.of(site);
    expect(await cluster.kubectl("get", "--raw", "/readyz")).toBe("ok");
    expect(await cluster.holders()).toHaveLength(1);
    for (const node of nodes) expect(await ofEtcd(site, node)).toBe("");
    const { stderr } = await site.guest("n1").run("tandem status", { check: false });
    expect(stderr).toContain("no agent is set up here, as on every node with datastore.kind etcd-cluster");
    expect(await site.up(["--expect-no-changes"])).toContain("unchanged");
    const before = await cluster.leaseHolders();

    await cluster.moveAddress("n1");
    const leader = await etcd.leader();
    await cluster.kubectl("create", "configmap", "patient");
    let slowestMs = 0;
    const lost = await cluster.withLoad(async (load) => {
      await sleep(2000);
      await site.lab.guest(leader).powerCut();
      // Longer than an API server believes in a server that says nothing.
      slowestMs = await slowestWrite(cluster, longestGapMs);
      await load.untilWriting(longestGapMs);
    });
    say(
      `  gap of ${lost.gapMs.toFixed(0)} ms when the leading server lost power, one write of ${slowestMs.toFixed(0)} ms`,
    );
    expect(lost.gapMs).toBeLessThan(longestGapMs);
    expect(slowestMs).toBeLessThan(longestGapMs);
    expect(await cluster.holders()).toEqual(["n1"]);
    expect(await cluster.leaseHolders()).toEqual(before);

    await site.lab.guest(leader).boot();
    await site.lab.guest(leader).waitSsh();
    await etcd.startMember(site.lab.guest(leader));
    const gone = await cluster.withLoad(async (load) => {
      await sleep(2000);
      await site.guest("n1").powerCut();
      await load.untilWriting(2 * longestGapMs);
      expect(await cluster.holders()).toEqual(["n2"]);
      await cluster.untilLeasesHeldBy(["n2"]);
      await site.powerOn("n1");
      await cluster.untilReady();
      // It comes back without taking anything.
      expect(await cluster.holders()).toEqual(["n2"]);
    });
    say(`  gap of ${gone.gapMs.toFixed(0)} ms when node one lost power with the address`);
    expect(gone.gapMs).toBeLessThan(10_000);

    const members = await memberList(etcd, first.url);
    await site.destroy();
    for (const node of nodes) expect(await ofEtcd(site, node)).toBe("");
    expect(await memberList(etcd, first.url)).toBe(members);
    expect(await textOf(etcd, first.url, foreign[0])).toBe(foreign[1]);
    expect(await textOf(etcd, first.url, "/registry/namespaces/default")).toContain("kube");
  },
  { timeoutMs: 15 * minute, kubernetes: true },
);

/** Preflight names the node, and the servers that it misses. */
async function refusedWithoutQuorum(site: Site, etcd: PlainEtcd): Promise<void> {
  const two = ["p2", "p3"].map((name) => site.lab.guest(name));
  await Promise.all(two.map((guest) => guest.run("systemctl stop etcd")));
  const { output } = await failing(site, async () => {});
  expect(output).toContain("n1 reaches 0 of 3 servers, and 2 are a quorum.");
  expect(output).toContain("https://10.77.1.31:2379: it knows no leader, so it reaches no quorum itself.");
  expect(output).toMatch(/https:\/\/10\.77\.1\.32:2379: connect ECONNREFUSED/);
  for (const node of nodes)
    expect((await site.guest(node).run("ls /etc/tandem 2>&1 || true")).stdout).toContain("No such");
  await Promise.all(two.map((guest) => etcd.startMember(guest)));
}

/** What of a datastore is on a node: none of it should be. */
async function ofEtcd(site: Site, node: (typeof nodes)[number]): Promise<string> {
  const look =
    "ls /etc/systemd/system /usr/local/bin /etc/drbd.d /etc/tandem /var/lib/etcd /var/lib/etcd-transient 2>/dev/null | " +
    "grep -E '^(etcd|tandem-|settings|var-lib)|\\.res$'; ps -eo comm | grep -E '^(etcd|node|drbd)'; true";
  return (await site.guest(node).run(look)).stdout;
}

/** The longest that one write took, in ms, of those that a client with patience made for a while. */
async function slowestWrite(cluster: Cluster, forMs: number): Promise<number> {
  let slowestMs = 0;
  for (const end = performance.now() + forMs; performance.now() < end; ) {
    const startedAt = performance.now();
    const write = cluster.kubectl(
      "annotate",
      "configmap",
      "patient",
      `at=${startedAt}`,
      "--overwrite",
      "--request-timeout=25s",
    );
    // Whether it was done is not known where the connection to the server broke.
    await write.catch((error) => say(`  ${(error as Error).message.split("\n").at(-1)}`));
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
  }
  return slowestMs;
}

function memberList(etcd: PlainEtcd, url: string): Promise<string> {
  return etcd.etcdctl(url, "member", "list");
}

async function textOf(etcd: PlainEtcd, url: string, key: string): Promise<string> {
  return (await etcd.etcdctl(url, "get", key, "--print-value-only")).trim();
}
