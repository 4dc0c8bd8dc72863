import type { ClaimRun } from "./claim.ts";
import type {
  ClaimKey,
  CoreSettings,
  Generation,
  Hello,
  Job,
  Local,
  Members,
  Notes,
  TimerName,
  Token,
  Volume,
} from "./world.ts";
import { DOWN, EMPTY_NOTES } from "./world.ts";

/** Everything the core knows. Only `notes` outlives the process; the rest is read again or waited for again. */
export interface State {
  settings: CoreSettings;
  /** Null until the `start` event. */
  bootId: string | null;
  notes: Notes;
  local: Local;
  /** Packets of the sibling arrive on the backend. Null until the detector has spoken. */
  heard: boolean | null;

  members: Members | null;
  /** Id of the poll that `members` answers; compared with `gateFrom`. */
  membersId: number;
  /** Polls with a smaller id were asked before this takeover and say nothing about it. */
  gateFrom: number;
  /** T may run here without the start gate: the sibling has not had the volume since T last ran on it. */
  gatePassed: boolean;
  /** Not Connected since boot: the read hold-off then counts from this node's promotion, not from the loss. */
  gateAfterBoot: boolean;

  /** The claim in progress and the id of its question. */
  run: ClaimRun | null;
  runId: number;
  firstOpen: ClaimKey | null;
  staged: ClaimKey | null;
  /** The question to the witness that deletes past generations. */
  collecting: { id: number; past: Generation[] } | null;
  /** Staging, tidying or collecting failed; tried again after the next poll of the witness. */
  witnessHeld: boolean;
  /** The last attempt to claim this generation ended undecided: the sibling's word may decide instead (lock 5). */
  undecided: Generation | null;
  /** The sibling owns the claim on this generation. Stands until the halves meet. */
  lost: Generation | null;
  /** Frozen, undecided, and the sibling's answer fits no other outcome: both become equals again (lock 5). */
  condemned: boolean;
  /** Handler questions of a frozen Primary, unanswered. */
  asks: number[];
  /** Handler questions of a promotion that was begun before the claim is decided, unanswered. */
  promotions: number[];

  /** What the witness shows now; null when it does not answer, or answers without a token. */
  shows: Token | null;
  witnessPoll: number | null;
  /** The sibling said "nothing but" this incarnation; adopted if the witness, asked afterwards, still shows it. */
  mayAdopt: Token | null;
  /** The last question to the witness has ended without a token. */
  witnessDown: boolean;

  /** Our question to the sibling that is not answered yet. */
  exchange: number | null;
  /** That question asks for this node's promise back, and nothing has been promised since. */
  asksBack: boolean;
  /** The last answer of the sibling's agent, dropped when it fails to answer. */
  sibling: Hello | null;
  /** Since the halves are apart the sibling was asked, and the question has ended, with an answer or without. */
  asked: boolean;
  /** The sibling and this node have both gone on from one generation. */
  diverged: boolean;
  /** The handshake allows the halves to meet: open the door, connect. */
  meeting: boolean;

  job: Job | null;
  /** A job that failed, or must not be repeated at once, and why. Cleared by `jobRetry`. */
  held: { job: Job["name"]; why: string } | null;

  running: TimerName[];
  fired: TimerName[];
  nextId: number;
}

/** The state before the first event; nothing is decided in it. */
export function initialState(settings: CoreSettings): State {
  return {
    settings,
    bootId: null,
    notes: EMPTY_NOTES,
    local: { volume: DOWN, door: "closed", mounted: false, t: "dead", tOutdated: false, disarmed: [] },
    heard: null,
    members: null,
    membersId: 0,
    gateFrom: 0,
    gatePassed: false,
    gateAfterBoot: true,
    run: null,
    runId: 0,
    firstOpen: null,
    staged: null,
    collecting: null,
    witnessHeld: false,
    undecided: null,
    lost: null,
    condemned: false,
    asks: [],
    promotions: [],
    shows: null,
    witnessPoll: null,
    mayAdopt: null,
    witnessDown: false,
    exchange: null,
    asksBack: false,
    sibling: null,
    asked: false,
    diverged: false,
    meeting: false,
    job: null,
    held: null,
    running: [],
    fired: [],
    nextId: 1,
  };
}

export const connected = (s: State): boolean => s.local.volume.connection === "Connected";
export const alone = (s: State): boolean => !connected(s);
export const holder = (s: State): boolean => s.local.volume.role === "Primary";

/** The operator's override stands: noted for this generation, in this boot, and not used yet. */
export const overridden = ({ notes: { override }, local: { volume }, bootId }: State): boolean =>
  override !== null && override.gen === volume.gen && override.bootId === bootId;

/** This node has gone on by an override, so that its copy is the site's data, whatever it missed. */
export function overrideUsed({ notes: { override }, local: { volume } }: State): boolean {
  if (override === null) return false;
  const goesOn = volume.role === "Primary" && !volume.frozen && volume.connection !== "Connected";
  return volume.left === override.gen || (volume.gen === override.gen && goesOn);
}

/** May win a claim and promote. An override is made for a copy that may not, too. */
export const armed = (s: State): boolean =>
  (s.local.disarmed.length === 0 && !s.notes.diskFailed) || overridden(s) || overrideUsed(s);
/** Open, and by this node's own decision in this boot; a door that anything else opened counts as one to be closed. */
export const doorOpened = (s: State): boolean => s.local.door === "open" && s.notes.doorOpened === s.bootId;
export const fired = (s: State, name: TimerName): boolean => s.fired.includes(name);

/** Both disks have every write, by this node's own belief. */
export function bothUpToDate(volume: Volume): boolean {
  return (
    volume.connection === "Connected" &&
    volume.disk === "UpToDate" &&
    volume.peerDisk === "UpToDate" &&
    volume.sync === "none"
  );
}

/** Rule 1's state as seen from here; what may only be done "while Connected, both UpToDate and not frozen". */
export const together = (s: State): boolean => bothUpToDate(s.local.volume) && !s.local.volume.frozen;

/** DRBD's metadata says that the sibling's copy is behind ours: DRBD itself refuses its promotion. */
export const siblingBehind = (volume: Volume): boolean =>
  volume.peerDisk === "Outdated" || volume.peerDisk === "Inconsistent";

/** Nothing is known of the copy of a node without a disk, not even its generation. */
export const withoutDisk = (disk: Volume["disk"]): boolean => disk === "Diskless" || disk === "Failed";

/** Not Connected since this boot, or only Consistent: this copy may be older than it thinks. */
export const fresh = (s: State): boolean => s.notes.connectedIn !== s.bootId || s.local.volume.disk === "Consistent";

/** The witness answers and shows the incarnation that this node has adopted. */
export const witnessTrusted = (s: State): boolean => s.notes.adopted !== null && s.shows === s.notes.adopted;

/** The regular member of this node and of its sibling. */
export const ownMember = (s: State): "E1" | "E2" => (s.settings.index === 0 ? "E1" : "E2");
export const siblingMember = (s: State): "E1" | "E2" => (s.settings.index === 0 ? "E2" : "E1");
