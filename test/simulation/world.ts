import type { State } from "../../components/arbiter/agent/core.ts";
import type {
  Disk,
  Hello,
  Job,
  Local,
  Members,
  Notes,
  Verdict,
  WitnessAnswer,
  WitnessRequest,
} from "../../components/arbiter/agent/world.ts";

/** Index of a node; node one is 0. */
export type Side = 0 | 1;
export const SIDES: readonly Side[] = [0, 1];
export const opposite = (side: Side): Side => (side === 0 ? 1 : 0);

/**
 * One machine: kernel (DRBD, door), disk, processes and, while it runs, the agent. Every value is replaced, never changed
 * in place, so that a world can be copied by copying its nodes.
 */
export interface SimNode {
  up: boolean;
  boot: number;
  /** Null while the agent is not running. */
  agent: State | null;
  /** Nothing reaches the agent of what its node notices, until it looks for another reason. */
  slow: boolean;
  /** The agent's process, or the whole machine, stands still and will go on. */
  pause: "none" | "agent" | "machine";
  /** The witness is out of this node's reach. */
  cutOff: boolean;
  /** The detector takes a living sibling for silent. */
  misheard: boolean;
  /** Durable, like `disarmed`. */
  notes: Notes;
  disarmed: string[];

  role: "Primary" | "Secondary";
  disk: Disk;
  /** Known while connected, recorded while apart. */
  peerDisk: Disk;
  /** As last heard over DRBD's connection. */
  peerRole: "Primary" | "Secondary" | "Unknown";
  connection: "StandAlone" | "Connecting" | "Connected";
  sync: "none" | "source" | "target";
  frozen: boolean;
  /** Current and bitmap UUID and the newest of the history, durable. */
  current: string;
  left: string | null;
  history: string[];
  /** Of a Primary without a disk: the generation that its users have seen; it connects to no other. */
  exposed: string | null;
  /** Was Primary when it went down: connecting again resyncs what was in flight. */
  crashedPrimary: boolean;
  splitBrain: boolean;
  /** The fence-peer handler of a frozen Primary: not running, waiting for an agent, asking it, or ended with a verdict. */
  handler: "none" | "waiting" | "asking" | Verdict;
  /** The same of a promotion under way; the kernel has not taken its verdict yet. */
  promotion: "none" | "asking" | Verdict;

  door: Local["door"];
  /** The door is as an outside hand left it: what it lets through is not the agent's doing. */
  doorForced: boolean;
  mounted: boolean;
  t: "running" | "dying" | "dead";
  tOutdated: boolean;
  /** This copy lacks a write that T has acknowledged somewhere. */
  misses: boolean;

  jobs: Job[];
  /** Questions to the witness that have been sent. */
  requests: { id: number; request: WitnessRequest }[];
  /** Answers of the sibling, of the witness about its incarnation, or of the members, that are still on their way. */
  answers: ({ id: number; hello: Hello } | { id: number; witness: WitnessAnswer } | { id: number; members: Members })[];
}

export interface Claim {
  owner: string;
  released: boolean;
}

export interface SimWitness {
  up: boolean;
  incarnation: string;
  staging: string[];
  claims: Record<string, Claim>;
  /** Requests given up by those who sent them, which the witness may still carry out. */
  stray: { node: string; request: WitnessRequest }[];
}

/** Terms of the members, coarsely. T's term is data of the volume: each copy has its own. */
export interface SimEtcd {
  term: [number, number];
  tTerm: [number, number];
  /** Term in which a member believes to lead, 0 if it does not. */
  leads: { E1: number; E2: number; T1: number; T2: number };
  /** A clock was relied on since the halves were together: a stale read is then the clock's business. */
  clock: boolean;
}

export interface SimWorld {
  nodes: [SimNode, SimNode];
  /** The link that DRBD, the detector and the members use. */
  backend: boolean;
  /** The second path of the handshake. */
  frontend: boolean;
  /** The last DRBD connection is alive at both ends; one end may believe in it longer. */
  session: boolean;
  witness: SimWitness;
  etcd: SimEtcd;
  faults: number;
  late: number;
  fresh: number;
}

/** What may be made worse to see what a guard is good for; a world without any is the one to be proved. */
export interface Twist {
  /** Shows the agent another reading than the kernel's. */
  local?: (local: Local) => Local;
  /** Changes what the sibling is told. */
  hello?: (hello: Hello, asker: Hello) => Hello;
  /** Changes what is found on disk after it was written. */
  notes?: (notes: Notes) => Notes;
  /** Changes what the witness answers. */
  answer?: (answer: WitnessAnswer, request: WitnessRequest) => WitnessAnswer;
  /** Parts of the world that are left out or behave as an earlier draft had them. */
  without?: readonly Defect[];
}

export type Defect =
  | "freeze"
  | "disarm"
  | "exclusive claim"
  | "sticky claims"
  | "closed door at boot"
  | "door"
  | "promotion gate"
  | "long election timeouts"
  | "reboot of the loser"
  | "mount guard"
  | "standing alone at boot"
  | "a new question for a new loss"
  | "asking again after an agent restart";

export const copy = (w: SimWorld): SimWorld => ({
  ...w,
  nodes: [{ ...w.nodes[0] }, { ...w.nodes[1] }],
  witness: { ...w.witness },
  etcd: { ...w.etcd, leads: { ...w.etcd.leads } },
});

/** A new generation, token or boot id; never used before in this run. */
export function token(w: SimWorld, prefix: string): string {
  w.fresh += 1;
  return `${prefix}#${w.fresh}`;
}

/** The machine has power and does not stand still. */
export const runs = (node: SimNode): boolean => node.up && node.pause !== "machine";

/** The two nodes' machines and the backend carry packets both ways. */
export const linked = (w: SimWorld): boolean => w.backend && w.nodes.every(runs);

/** A violation of what must never happen. */
export class Violation extends Error {
  override name = "Violation";
}
