/**
 * The vocabulary between the deciding core and everything outside it. The core sees the world only as {@link Event}s and
 * changes it only through {@link Action}s; `linux.ts` carries them out on a real node, test/simulation in a simulated one.
 * Nothing here holds a time: timers are asked for by name and come back as events.
 */

/** DRBD's current UUID with its lowest bit cleared: 16 upper-case hex digits. */
export type Generation = string;

/** The witness's incarnation token, as served by `/<site>/incarnation`. */
export type Token = string;

export type Disk = "UpToDate" | "Consistent" | "Outdated" | "Inconsistent" | "Failed" | "Diskless" | "Unknown";

export type Connection = "StandAlone" | "Connecting" | "Connected";

/** What DRBD on this node says of the volume `etcd-t`; one consistent reading. */
export interface Volume {
  /** `Down` while DRBD is not configured on this node. */
  role: "Primary" | "Secondary" | "Down";
  disk: Disk;
  /** While apart: what the metadata records of the sibling's disk. */
  peerDisk: Disk;
  peerRole: "Primary" | "Secondary" | "Unknown";
  connection: Connection;
  sync: "none" | "source" | "target";
  /** I/O suspended by fencing: no write completes until the handler's verdict. */
  frozen: boolean;
  gen: Generation | null;
  /** The generation this node left when it went on alone (bitmap UUID), null when there is none. */
  left: Generation | null;
  splitBrain: boolean;
}

/** DRBD is not configured on this node, or nothing has been read yet. */
export const DOWN: Volume = {
  role: "Down",
  disk: "Unknown",
  peerDisk: "Unknown",
  peerRole: "Unknown",
  connection: "StandAlone",
  sync: "none",
  frozen: false,
  gen: null,
  left: null,
  splitBrain: false,
};

/** Everything local that a decision needs, read at one moment. */
export interface Local {
  volume: Volume;
  /** As the kernel's rules say, not as anybody remembers. `half`: it shuts nothing out, and lets not everything in. */
  door: "open" | "half" | "closed";
  mounted: boolean;
  /** By its processes: `dying` was killed, yet the frozen volume still holds it. */
  t: "running" | "dying" | "dead";
  /** T runs with settings that have changed since it was started. */
  tOutdated: boolean;
  /** Disarm notes present in the folder that the before-resync-target handler writes to; empty means armed. */
  disarmed: string[];
}

/** Which member leads, named by its place: the regular member of a node, or T. */
export type Leader = "E1" | "E2" | "T" | "none";

export interface Members {
  /** Own regular member answers and knows a leader. */
  healthy: boolean;
  leader: Leader;
  /** Highest index applied by the own member; used for "caught up". */
  applied: number;
}

export type ClaimStanding = "won" | "releasing" | "lost" | "undecided" | "none";

/** What a node says of itself in the handshake. An answer counts only in the exchange that asked. */
export interface Hello {
  site: string;
  node: string;
  bootId: string;
  /** The incarnation adopted, null in between. */
  incarnation: Token | null;
  /** Every other incarnation has been given up durably. */
  nothingBut: Token | null;
  gen: Generation | null;
  left: Generation | null;
  disk: Disk;
  peerDisk: Disk;
  role: Volume["role"];
  connection: Connection;
  frozen: boolean;
  t: Local["t"];
  mounted: boolean;
  disarmed: string[];
  /** Not Connected since this boot, or only Consistent. */
  fresh: boolean;
  /** Standing of the own claim on `gen` in the adopted incarnation. */
  claim: ClaimStanding;
  /** Has promised for `gen` neither to claim nor to rely on any claim (waiver.ts); `back`: and asks to be released. */
  waived: "no" | "yes" | "back";
  /** The sibling's promise for `gen`. `returned` is only said in answer to a question that says `back`. */
  waiver: "none" | "wanted" | "held" | "returned";
  members: Members | null;
  /** The asker's disarm notes, repeated: "I answer you, whose notes these are". Empty in a question. */
  echo: string[];
}

/** Numbered claim of one generation in one incarnation of the witness's tree. */
export interface ClaimKey {
  incarnation: Token;
  gen: Generation;
  k: number;
}

export type WitnessRequest =
  | { verb: "incarnation" }
  | { verb: "stage"; key: ClaimKey }
  | { verb: "move"; key: ClaimKey }
  | { verb: "owner"; key: ClaimKey }
  | { verb: "released"; key: ClaimKey }
  | { verb: "release"; key: ClaimKey }
  | { verb: "collect"; incarnation: Token; past: Generation[] };

/** An HTTP status with the body where one is read, or silence: nothing is known of whether the request ran. */
export type WitnessAnswer = { status: number; body: string } | "silence";

/** Durable memory of a node; written whole (aside, fsync, rename, fsync of the folder) before any later action of its step. */
export interface Notes {
  adopted: Token | null;
  nothingBut: Token | null;
  /** Keys whose MOVE may have been sent. Never forgotten but by giving up their incarnation, or by a finished release. */
  intents: ClaimKey[];
  won: ClaimKey[];
  /** Releases begun; such a claim is never relied on again. */
  releasing: ClaimKey[];
  /**
   * Generations current on neither node whose folders may still lie on the witness. They are named one by one and not as
   * "all but the current one": a deletion that runs late would take a later generation's claim with it.
   */
  past: Generation[];
  /** Boot id for which the door was opened. Noted before it is, forgotten before it is closed; anything else means closed. */
  doorOpened: string | null;
  /** Boot id in which DRBD was Connected: not "fresh" then. */
  connectedIn: string | null;
  /**
   * This node's disk has failed, so the sibling may have gone on without it, and no claim bars this copy: DRBD's metadata
   * stay as they were, and would call it whole after a reboot.
   */
  diskFailed: boolean;
  /** The sibling has said that it left this generation: no copy of it is ever promoted alone again, whatever was won for it. */
  superseded: Generation | null;
  /** The operator gives up what only the sibling may hold: for this generation, and to be used in this boot alone. */
  override: { gen: Generation; bootId: string } | null;
  /** This node has promised its sibling, for this generation, neither to claim nor to rely on any claim. */
  waived: Generation | null;
  /** The sibling has promised that: for this generation a holder thaws without asking the witness. */
  waiver: Generation | null;
}

export const EMPTY_NOTES: Notes = {
  adopted: null,
  nothingBut: null,
  intents: [],
  won: [],
  releasing: [],
  past: [],
  doorOpened: null,
  connectedIn: null,
  diskFailed: false,
  superseded: null,
  override: null,
  waived: null,
  waiver: null,
};

/** Work on the node, one piece at a time; each ends in a `done` event with a fresh reading. All are idempotent. */
export type Job =
  | { name: "disconnect" }
  | { name: "connect" }
  | { name: "closeDoor" }
  | { name: "openDoor" }
  /** Promote and mount. */
  | { name: "takeVolume" }
  /** Unmount and demote; T is dead. */
  | { name: "releaseVolume" }
  | { name: "startT" }
  | { name: "stopT" }
  | { name: "killT" }
  /** Make the kernel stop using a volume that is frozen and lost. DRBD 8.4: immediate reboot. */
  | { name: "letGo" }
  | { name: "moveLeader"; to: "E1" | "E2" }
  | { name: "rearm"; notes: string[] }
  /** Note a split brain that DRBD has not been given the chance to find. */
  | { name: "reportSplitBrain" };

export type TimerName =
  | "waitOffset"
  | "promoteAhead"
  | "bootOffset"
  | "readHoldOff"
  | "killLimit"
  | "orphan"
  | "deserted"
  | "outdated"
  | "witnessAway"
  | "claimRetry"
  | "jobRetry"
  | "greet"
  | "connecting"
  | "pollMembers"
  | "pollWitness";

export type AskMode = "primary" | "promotion";
export type Verdict = "won" | "lost" | "undecided";

export type Event =
  | { kind: "start"; bootId: string; notes: Notes; local: Local }
  | { kind: "local"; local: Local }
  /** False: silence confirmed by two probes. The sibling's kernel speaks here, not its agent. */
  | { kind: "link"; heard: boolean }
  /** The fence-peer handler asks; `local` is read after the question came. */
  | { kind: "ask"; id: number; mode: AskMode; local: Local }
  | { kind: "askGone"; id: number }
  | { kind: "witness"; id: number; answer: WitnessAnswer }
  /** The sibling asks; `local` is read after the question came. */
  | { kind: "greeting"; id: number; hello: Hello; local: Local }
  /** The sibling's answer to our question `id`, or its absence; `local` is read after the answer came. */
  | { kind: "answer"; id: number; hello: Hello | null; local: Local }
  | { kind: "members"; id: number; members: Members }
  | { kind: "done"; job: Job["name"]; ok: boolean; why: string; local: Local }
  | { kind: "timer"; name: TimerName }
  /** The operator has typed `site` to override the protocol; `local` is read after that. */
  | { kind: "override"; id: number; site: string; local: Local };

export type Action =
  | { kind: "note"; notes: Notes }
  | { kind: "verdict"; id: number; verdict: Verdict; reason: string }
  | { kind: "witness"; id: number; request: WitnessRequest }
  | { kind: "greet"; id: number; hello: Hello }
  | { kind: "reply"; id: number; hello: Hello }
  | { kind: "members"; id: number }
  | { kind: "job"; job: Job; reason: string }
  /** Noted, if nothing is against it. */
  | { kind: "override"; id: number; objections: string[] }
  | { kind: "timer"; name: TimerName; ms: number }
  | { kind: "cancel"; name: TimerName }
  | { kind: "say"; level: "info" | "warning" | "alarm"; text: string };

/** What of the site's settings the core decides with. */
export interface CoreSettings {
  site: string;
  node: string;
  sibling: string;
  /** 0 is node one, the preferred holder. */
  index: 0 | 1;
  leader: "opposite" | "node-one";
  waitOffsetMs: number;
  bootOffsetMs: number;
  readHoldOffMs: number;
  killLimitMs: number;
}

/**
 * Carries out actions in the order given. A `note` that fails ends the process: nothing after it may happen. Everything
 * else answers by an event, or is heard of through one.
 */
export interface World {
  perform(actions: readonly Action[]): void;
}
