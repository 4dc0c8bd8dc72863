import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { Deciding } from "../../components/arbiter/agent/deciding.ts";
import { NodeObjects } from "../../components/arbiter/agent/linux/node-objects.ts";
import { OutOfServiceTaint } from "../../components/arbiter/agent/linux/out-of-service.ts";
import { MARK, type NodeView, OUT_OF_SERVICE } from "../../components/arbiter/agent/out-of-service.ts";
import type { State } from "../../components/arbiter/agent/state.ts";
import { issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import { ADOPTED, Scripted, VOLUME } from "../unit/agent/scripted.ts";
import { eventually } from "./etcd-cluster.ts";
import { valid, write, writePair } from "./site-certificates.ts";

const won = { ...ADOPTED, doorOpened: null, won: [{ incarnation: "tree", gen: "A0", k: 0 }] };
const solo = new Scripted(1).start(VOLUME.solo, { door: "closed", mounted: true, t: "running" }, won);
/** Node two has won, and nothing is heard of node one; and later the nodes are connected again. */
const winner = solo.heard(false).sibling(null).state;
const together = new Scripted(1).start(VOLUME.holder).heard(true).state;
const lone = new Scripted(1).start(VOLUME.lone).state;

const silent: NodeView = { name: "n1", resourceVersion: "7", ready: "Unknown", taints: [], markedBy: null };
const marked: NodeView = { ...silent, taints: [OUT_OF_SERVICE], markedBy: "n2" };
const own: NodeView = { ...silent, name: "n2", ready: "True" };

/** Two Nodes, a state, and what is asked of them. */
class Site {
  state: State = winner;
  fresh: () => State = () => this.state;
  readings = 0;
  nodes: Record<string, NodeView | null> = { n1: silent, n2: own };
  reads = 0;
  readonly written: object[] = [];

  async read(name: string): Promise<NodeView | null> {
    this.reads += 1;
    return this.nodes[name] ?? null;
  }

  async change(name: string, patch: object): Promise<void> {
    this.written.push(patch);
    const { metadata, spec } = patch as { metadata: { annotations: Record<string, string | null> }; spec: object };
    const node = this.nodes[name] as NodeView;
    this.nodes[name] = { ...node, ...spec, markedBy: metadata.annotations[MARK] ?? null };
  }
}

let taint: OutOfServiceTaint | undefined;
afterEach(() => taint?.close());

function keep(site: Site, nodes: Pick<NodeObjects, "read" | "change"> = site): OutOfServiceTaint {
  const fresh = async () => {
    site.readings += 1;
    return site.fresh();
  };
  const watched = { self: "n2", sibling: "n1", nodes, state: () => site.state, fresh };
  taint = new OutOfServiceTaint(watched, 5);
  return taint;
}

const says = (report: string) => eventually(async () => expect(taint?.report).toBe(report), 5_000);

test("the winner marks the silent sibling once, and takes the mark off when they are connected", async () => {
  const site = new Site();
  keep(site);
  await says("n1 is marked by n2");
  const { reads } = site;
  await eventually(async () => expect(site.reads).toBeGreaterThan(reads + 4), 5_000);
  expect(site.written).toHaveLength(1);
  // The machine is read for a change alone.
  expect(site.readings).toBe(1);
  site.state = together;
  await says("no node is marked");
  expect(site.written).toHaveLength(2);
  expect(site.nodes.n1).toEqual(silent);
});

test("an agent that was started anew finds the mark where it is", async () => {
  const site = new Site();
  site.nodes.n1 = marked;
  site.state = together;
  keep(site);
  await says("no node is marked");
  expect(site.nodes.n1).toEqual(silent);
});

test("what the state has become while the Node was read decides", async () => {
  const site = new Site();
  site.fresh = () => together;
  keep(site);
  await says("no node is marked");
  expect(site.written).toEqual([]);
});

test("nodes that are connected and without a mark are left alone, until they part", async () => {
  const site = new Site();
  site.state = together;
  keep(site);
  await says("no node is marked");
  const { reads } = site;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(site.reads).toBe(reads);
  site.state = winner;
  await says("n1 is marked by n2");
});

test("a mark from before whose writing nobody knows of is taken off, whatever was seen before the loss", async () => {
  const site = new Site();
  site.state = together;
  let failing = false;
  const read = async (name: string) => {
    if (failing) throw new Error("no answer");
    return site.read(name);
  };
  keep(site, { read, change: (name, patch) => site.change(name, patch) });
  await says("no node is marked");
  failing = true;
  site.state = winner;
  await says("not known: no answer");
  failing = false;
  site.nodes.n1 = marked;
  site.state = together;
  await eventually(async () => expect(site.nodes.n1).toEqual(silent), 5_000);
});

test("what cannot be noted in a reading for the taint ends the agent", async () => {
  const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
    taint?.close();
    throw new Error(`ended with ${code}`);
  });
  const full = () => {
    throw new Error("ENOSPC");
  };
  const deciding = new Deciding(winner.settings, full, () => {});
  const site = new Site();
  site.fresh = () => {
    deciding.post({ kind: "link", heard: false });
    return winner;
  };
  try {
    keep(site);
    await eventually(async () => expect(exit).toHaveBeenCalledWith(1), 5_000);
    expect(site.written).toEqual([]);
  } finally {
    exit.mockRestore();
  }
});

test("a node that does not go on asks nothing", async () => {
  const site = new Site();
  site.state = lone;
  keep(site);
  await says("left to n1: this node does not go on");
  expect(site.reads).toBe(0);
});

test("Nodes that there are not yet are waited for without a word", async () => {
  const site = new Site();
  site.nodes = {};
  keep(site);
  await says("no node is marked");
});

test("a refusal is told, and the next round looks again", async () => {
  const site = new Site();
  let refused = false;
  const nodes = {
    read: (name: string) => site.read(name),
    change: async (name: string, patch: object) => {
      if (refused) return site.change(name, patch);
      refused = true;
      throw new Error("changing Node n1: 409 the object has been modified");
    },
  };
  const { report } = keep(site, nodes);
  expect(report).toBe("not looked at yet");
  await says("n1 is marked by n2");
  expect(refused).toBe(true);
});

let folder: string;
let server: Server;

/** An API server that takes requests and says nothing. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-out-of-service-"));
  const authority = await issueAuthority("test CA", valid);
  const subject = { dnsNames: [], ipAddresses: ["127.0.0.1"], usages: ["server", "client"] } as const;
  const pair = await issueLeaf({ commonName: "kube-apiserver", ...subject }, valid, authority);
  write(folder, "ca.crt", authority.certificatePem);
  writePair(folder, "agent", pair);
  server = createServer({ cert: pair.certificatePem, key: pair.privateKeyPem }, () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});

function nodesAt(port: number, certificate = "agent.crt"): NodeObjects {
  const file = (name: string) => join(folder, name);
  return new NodeObjects({
    port,
    ca: file("ca.crt"),
    certificate: file(certificate),
    key: file("agent.key"),
    impersonate: null,
  });
}

test("a server that does not answer is given two seconds, and nobody waits for it", async () => {
  const nodes = nodesAt((server.address() as AddressInfo).port);
  let late = 0;
  let last = performance.now();
  const beat = setInterval(() => {
    late = Math.max(late, performance.now() - last);
    last = performance.now();
  }, 10);
  keep(new Site(), nodes);
  await says("not known: the API server did not answer within 2000 ms");
  clearInterval(beat);
  nodes.close();
  // Of the process's own turns; the machine is shared.
  expect(late).toBeLessThan(500);
});

test.each([
  ["a server that is not there", () => nodesAt(1), "not known: connect ECONNREFUSED 127.0.0.1:1"],
  ["a certificate that has not come yet", () => nodesAt(1, "later.crt"), "not known: ENOENT"],
])("%s is told in words", async (_, nodes, report) => {
  keep(new Site(), nodes());
  await eventually(async () => expect(taint?.report).toContain(report), 5_000);
});
