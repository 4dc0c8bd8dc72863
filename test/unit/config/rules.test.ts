import { describe, expect, it } from "vitest";
import { errorsOf, hostKeys, warningsOf } from "./sample.ts";

describe("addresses", () => {
  it("refuses two nodes with one address", () => {
    expect(errorsOf((site) => Object.assign(site.nodes[1], { frontend: "10.77.1.11" }))).toEqual([
      "tandem:site: nodes[1].frontend: 10.77.1.11 is also nodes[0].frontend; give each node its own address",
    ]);
  });

  it("refuses a backend that is the node's own frontend", () => {
    expect(errorsOf((site) => Object.assign(site.nodes[1], { backend: "10.77.1.12" }))).toEqual([
      "tandem:site: nodes[1].backend: 10.77.1.12 is also nodes[1].frontend; the backend is a link of its own, give it another address",
    ]);
  });

  it("refuses a backend that is the sibling's frontend", () => {
    expect(errorsOf((site) => Object.assign(site.nodes[1], { backend: "10.77.1.11" }))).toEqual([
      "tandem:site: nodes[1].backend: 10.77.1.11 is also nodes[0].frontend; give each node its own address",
    ]);
  });

  it("refuses two nodes with one name", () => {
    expect(errorsOf((site) => Object.assign(site.nodes[1], { name: "n1" }))).toEqual([
      "tandem:site: nodes[1].name: n1 is also nodes[0].name; give each node its own name",
    ]);
  });

  it.each([
    ["10.77.1.12", "nodes[1].frontend"],
    ["10.77.2.11", "nodes[0].backend"],
    ["n2", "nodes[1].name"],
  ])("refuses the witness %s, which is %s", (host, owner) => {
    expect(errorsOf((site) => Object.assign(site.witness, { host }))).toEqual([
      `tandem:site: witness.host: ${host} is ${owner}; the witness decides between the nodes and must be a third machine`,
    ]);
  });

  it("refuses a witness on the port of its SSH server", () => {
    expect(errorsOf((site) => Object.assign(site.witness, { port: 22 }))).toEqual([
      "tandem:site: witness.port: 22 is also ssh.port, which the witness machine listens on; give the web server another",
    ]);
  });

  it("warns of nodes that share a host key", () => {
    const clone = (site: { nodes: { hostKey: string }[] }) => {
      for (const node of site.nodes) node.hostKey = hostKeys.nodeOne;
    };
    expect(errorsOf(clone)).toEqual([]);
    expect(warningsOf(clone)).toEqual([
      "tandem:site: nodes[1].hostKey: is also nodes[0].hostKey, as on cloned machines: one can pass for the other; make new host keys with `ssh-keygen -A`",
    ]);
  });
});

describe("certificates", () => {
  it("refuses a renewal at every up", () => {
    expect(errorsOf((site) => Object.assign(site, { pki: { certificateValidity: "30d" } }))).toEqual([
      "tandem:site: pki.renewBefore: is 30d, not less than the certificateValidity of 30d: every up would renew every certificate; use at most 29d",
    ]);
  });

  it("refuses no validity", () => {
    expect(errorsOf((site) => Object.assign(site, { pki: { certificateValidity: "0d", renewBefore: "0d" } }))).toEqual([
      "tandem:site: pki.certificateValidity: is 0d; a certificate needs at least 1d",
    ]);
  });
});

describe("times, with the rule, the numbers and the nearest allowed value", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    [
      "an offset that lets the other win a split",
      { witness: { waitOffset: "245ms" } },
      "witness.waitOffset: is 245ms; in a split the holder must claim first, and it may need 500ms to confirm the loss and 170ms to claim while its sibling confirms within 425ms: use at least 246ms",
    ],
    [
      "node two impatient",
      { datastore: { electionTimeouts: { nodeTwo: "4s" } } },
      "datastore.electionTimeouts.nodeTwo: is 4s; it must reach 5s, the longer of 5s and readHoldOff, and hold five heartbeats: a leader that T's log displaced must not win again before, or it may answer stale reads: use at least 5s",
    ],
    [
      "node two behind a longer hold-off",
      { datastore: { readHoldOff: "8s", electionTimeouts: { nodeTwo: "7s" } } },
      "datastore.electionTimeouts.nodeTwo: is 7s; it must reach 8s, the longer of 5s and readHoldOff, and hold five heartbeats: a leader that T's log displaced must not win again before, or it may answer stale reads: use at least 8s",
    ],
    [
      "node one under ten heartbeats",
      { datastore: { electionTimeouts: { nodeOne: "900ms" } } },
      "datastore.electionTimeouts.nodeOne: is 900ms; ten heartbeats of 100ms must fit into it: use at least 1s",
    ],
    [
      "a timeout beyond etcd's",
      { datastore: { electionTimeouts: { nodeTwo: "1m" } } },
      "datastore.electionTimeouts.nodeTwo: is 1m; etcd takes at most 50s: use at most 50s",
    ],
    [
      "a timeout of broken heartbeats",
      { datastore: { electionTimeouts: { nodeOne: "1050ms" } } },
      "datastore.electionTimeouts.nodeOne: is 1050ms; etcd counts it in heartbeats of 100ms: use 1100ms",
    ],
    [
      "no heartbeat",
      { datastore: { heartbeat: "0ms" } },
      "datastore.heartbeat: is 0ms; ten heartbeats must fit into the 50s that etcd takes as an election timeout: use at least 1ms",
    ],
    [
      "a heartbeat too slow for etcd",
      { datastore: { heartbeat: "6s" } },
      "datastore.heartbeat: is 6s; ten heartbeats must fit into the 50s that etcd takes as an election timeout: use at most 5s",
    ],
    [
      "reads from a frozen T",
      { datastore: { readHoldOff: "3s" } },
      "datastore.readHoldOff: is 3s; a frozen T may answer reads until its killLimit of 3s and 1175ms for a later notice and the kill: use at least 4176ms, or a killLimit of at most 1824ms",
    ],
    [
      "a hold-off that no kill limit fits into",
      { datastore: { readHoldOff: "100ms" } },
      "datastore.readHoldOff: is 100ms; a frozen T may answer reads until its killLimit of 3s and 1175ms for a later notice and the kill: use at least 4176ms",
    ],
    [
      "a hold-off beyond etcd's election timeout",
      { datastore: { readHoldOff: "1m", electionTimeouts: { nodeTwo: "50s" } } },
      "datastore.readHoldOff: is 1m; node two's election timeout must reach it, and etcd takes at most 50s: use at most 50s",
    ],
    [
      "a kill limit beyond every hold-off",
      { datastore: { killLimit: "1m" } },
      "datastore.killLimit: is 1m; a frozen T may answer reads until its killLimit of 1m and 1175ms for a later notice and the kill, which readHoldOff cannot outlast: use at most 48824ms, and a readHoldOff to match",
    ],
    [
      "a kill during a claim or the thaw",
      { datastore: { killLimit: "330ms" } },
      "datastore.killLimit: is 330ms; a claim and the thaw may take 330ms, and T must not be killed meanwhile: use at least 331ms",
    ],
    [
      "three lost packets as a loss",
      { datastore: { silence: "99ms" } },
      "datastore.silence: is 99ms; three lost packets must not count as a loss and one is sent each 25ms: use at least 100ms",
    ],
    [
      "a silence longer than DRBD's own",
      { datastore: { silence: "2s" } },
      "datastore.silence: is 2s; the loss must be confirmed within the 1500ms after which DRBD finds it by itself: use at most 1300ms",
    ],
  ];

  it.each(cases)("refuses %s", (_, changes, message) => {
    const errors = errorsOf((site) => {
      for (const [section, values] of Object.entries(changes)) Object.assign(site[section], values);
    });
    expect(errors).toContain(`tandem:site: ${message}`);
  });

  it("warns of a take-over that the leader may not outlast", () => {
    expect(warningsOf((site) => Object.assign(site.witness, { waitOffset: "15s" }))).toEqual([
      "tandem:site: datastore.electionTimeouts.nodeTwo: is 5s, and a take-over may last 17280ms: the leader on node two may step down meanwhile, and T then waits for readHoldOff and an election; lengthen it to 17300ms or shorten witness.waitOffset",
    ]);
    expect(errorsOf((site) => Object.assign(site.witness, { waitOffset: "15s" }))).toEqual([]);
  });

  it("warns of a take-over that no election timeout outlasts", () => {
    expect(warningsOf((site) => Object.assign(site.witness, { waitOffset: "2m" }))).toEqual([
      "tandem:site: datastore.electionTimeouts.nodeTwo: is 5s, and a take-over may last 122280ms: the leader on node two may step down meanwhile, and T then waits for readHoldOff and an election; shorten witness.waitOffset",
    ]);
  });

  it("warns of a leader on node one that a frozen T unseats", () => {
    const impatient = (silence: string) => (site: { datastore: object }) =>
      Object.assign(site.datastore, { leader: "node-one", silence, electionTimeouts: { nodeOne: "1s" } });
    expect(warningsOf(impatient("369ms"))).toEqual([]);
    expect(warningsOf(impatient("370ms"))).toEqual([
      "tandem:site: datastore.electionTimeouts.nodeOne: is 1s, and T may be frozen for 1s when node two dies: the leader on node one then steps down; use at least 1100ms",
    ]);
  });
});
