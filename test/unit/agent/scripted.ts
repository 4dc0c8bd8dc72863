import { initialState, type State, step } from "../../../components/arbiter/agent/core.ts";
import {
  type Action,
  type CoreSettings,
  EMPTY_NOTES,
  type Event,
  type Hello,
  type Job,
  type Local,
  type Notes,
  type TimerName,
  type Volume,
  type WitnessAnswer,
} from "../../../components/arbiter/agent/world.ts";

const TOGETHER: Volume = {
  role: "Secondary",
  disk: "UpToDate",
  peerDisk: "UpToDate",
  peerRole: "Secondary",
  connection: "Connected",
  sync: "none",
  frozen: false,
  gen: "A0",
  left: null,
  splitBrain: false,
};

export const ADOPTED: Notes = {
  ...EMPTY_NOTES,
  adopted: "tree",
  nothingBut: "tree",
  connectedIn: "boot",
  doorOpened: "boot",
};

const PEER = { peerDisk: "Unknown", peerRole: "Unknown" } as const;
/** What DRBD says in the moments that the rules speak of. */
export const VOLUME = {
  together: TOGETHER,
  holder: { ...TOGETHER, role: "Primary" },
  other: { ...TOGETHER, peerRole: "Primary" },
  frozen: { ...TOGETHER, ...PEER, role: "Primary", connection: "StandAlone", frozen: true },
  lone: { ...TOGETHER, ...PEER, connection: "StandAlone" },
  booted: { ...TOGETHER, ...PEER, connection: "StandAlone", disk: "Consistent" },
  /** Went on alone: a new generation, the sibling's copy is behind. */
  solo: {
    ...TOGETHER,
    ...PEER,
    role: "Primary",
    connection: "StandAlone",
    peerDisk: "Outdated",
    gen: "B0",
    left: "A0",
  },
} satisfies Record<string, Volume>;

/** One core in a world that does only what the test says. */
export class Scripted {
  state: State;
  local: Local = { volume: TOGETHER, door: "open", mounted: false, t: "dead", tOutdated: false, disarmed: [] };
  /** Of the last event. */
  actions: Action[] = [];
  /** Of all events. */
  readonly jobs: Job[] = [];
  readonly verdicts: string[] = [];

  constructor(index: 0 | 1, settings: Partial<CoreSettings> = {}) {
    this.state = initialState({
      site: "site",
      node: `n${index + 1}`,
      sibling: `n${2 - index}`,
      index,
      leader: "opposite",
      waitOffsetMs: 500,
      bootOffsetMs: 3000,
      readHoldOffMs: 5000,
      killLimitMs: 2000,
      ...settings,
    });
  }

  give(event: Event): this {
    const result = step(this.state, event);
    this.state = result.state;
    this.actions = result.actions;
    for (const action of result.actions) {
      if (action.kind === "job") this.jobs.push(action.job);
      if (action.kind === "verdict") this.verdicts.push(action.verdict);
    }
    return this;
  }

  start(volume: Volume, change: Partial<Local> = {}, notes: Notes = ADOPTED): this {
    this.local = { ...this.local, ...change, volume };
    return this.give({ kind: "start", bootId: "boot", notes, local: this.local });
  }

  see(volume: Volume, change: Partial<Local> = {}): this {
    this.local = { ...this.local, ...change, volume };
    return this.give({ kind: "local", local: this.local });
  }

  heard(heard: boolean): this {
    return this.give({ kind: "link", heard });
  }

  fire(name: TimerName): this {
    if (!this.state.running.includes(name)) throw new Error(`timer ${name} is not running`);
    return this.give({ kind: "timer", name });
  }

  /** Answers the question to the witness that is open. */
  witness(answer: WitnessAnswer): this {
    return this.give({ kind: "witness", id: this.state.runId, answer });
  }

  /** The incarnation is asked for and answered. */
  shows(token: string | null): this {
    if (this.state.witnessPoll === null) this.fire("pollWitness");
    const answer: WitnessAnswer = token === null ? "silence" : { status: 200, body: token };
    return this.give({ kind: "witness", id: this.state.witnessPoll ?? 0, answer });
  }

  /** The sibling is asked, and says that it is as `change` says. */
  sibling(change: Partial<Hello> | null): this {
    if (this.state.exchange === null) this.fire("greet");
    const { settings } = this.state;
    const hello: Hello | null = change === null ? null : { ...HELLO, node: settings.sibling, ...change };
    return this.give({ kind: "answer", id: this.state.exchange ?? 0, hello, local: this.local });
  }

  /** The work that is under way ends, and the node is as `volume` and `change` say. */
  done(volume: Volume = this.local.volume, change: Partial<Local> = {}): this {
    this.local = { ...this.local, ...change, volume };
    const job = this.state.job?.name ?? "connect";
    return this.give({ kind: "done", job, ok: true, why: "", local: this.local });
  }

  polled(leader: "E1" | "E2" | "T" | "none"): this {
    if (!this.actions.some((action) => action.kind === "members")) this.fire("pollMembers");
    const id = this.state.nextId - 1;
    return this.give({ kind: "members", id, members: { healthy: leader !== "none", leader, applied: 100 } });
  }

  ask(mode: "primary" | "promotion"): this {
    return this.give({ kind: "ask", id: 7, mode, local: this.local });
  }

  get job(): string | undefined {
    return this.state.job?.name;
  }

  /** What the witness is asked now. */
  get request(): string | undefined {
    const found = this.actions.find((action) => action.kind === "witness");
    return found?.kind === "witness" ? found.request.verb : undefined;
  }
}

/** What a healthy other node says of itself. */
export const HELLO: Hello = {
  site: "site",
  node: "n2",
  bootId: "other",
  incarnation: "tree",
  nothingBut: "tree",
  gen: "A0",
  left: null,
  disk: "UpToDate",
  peerDisk: "UpToDate",
  role: "Secondary",
  connection: "Connected",
  frozen: false,
  t: "dead",
  mounted: false,
  disarmed: [],
  fresh: false,
  claim: "none",
  waived: "no",
  waiver: "none",
  members: { healthy: true, leader: "E2", applied: 100 },
  echo: [],
};
