import { existsSync } from "node:fs";
import { mark, marksBegin, marksEnd, say, sayOnce } from "./journal.ts";
import { startDetector } from "./linux/detector.ts";
import { DoorWatch } from "./linux/door.ts";
import { forgetVolume, watchDrbd } from "./linux/drbd.ts";
import { bootId, carryOut } from "./linux/jobs.ts";
import { cheapLook, LocalReader, readLocal } from "./linux/local.ts";
import { EtcdClient } from "./linux/members.ts";
import { isMounted } from "./linux/mounts.ts";
import { readNotes, writeNotes } from "./linux/notes.ts";
import { HandshakeClient, HandshakeServer } from "./linux/peer.ts";
import { race } from "./linux/race.ts";
import { serveSocket } from "./linux/socket.ts";
import { dismissT, prepareT } from "./linux/transient.ts";
import { adopt } from "./linux/volume.ts";
import { WitnessClient } from "./linux/witness.ts";
import type { LastHello } from "./override-report.ts";
import { HANDSHAKE_PORT, MEMBER_PORT, NOTES, PKI, SOCKET } from "./paths.ts";
import type { AgentSettings } from "./settings.ts";
import type { Action, Event, Hello, Job, Local, TimerName, Verdict, WitnessRequest, World } from "./world.ts";

/** There only with cgroup v2. */
const CGROUP2 = "/sys/fs/cgroup/cgroup.controllers";

/** DRBD tells of its own changes; T, the mount and the disarm notes are looked at this often. */
const LOOK_MS = 500;
/** A full reading now and then, for what no cheap look shows: the door, and DRBD 9. */
const READ_MS = 2000;
/** The kernel tells of changed rules; this is for a word that was lost. */
const DOOR_MS = 10_000;

/** These may overtake a job that a frozen volume keeps from ending. */
const URGENT: readonly Job["name"][] = ["killT", "letGo"];

/** The world of a real node. Every event goes to `post`; what cannot be read or noted ends the process. */
export class LinuxWorld implements World {
  readonly #settings: AgentSettings;
  readonly #post: (event: Event) => void;
  readonly #doors: DoorWatch;
  readonly #reader: LocalReader;
  readonly #witness: WitnessClient;
  readonly #handshake: HandshakeClient;
  readonly #etcd: EtcdClient;
  readonly #timers = new Map<TimerName, NodeJS.Timeout>();
  /** Handler questions and the sibling's questions that the core has not answered. */
  readonly #handlers = new Map<number, (verdict: Verdict) => void>();
  readonly #greetings = new Map<number, (hello: Hello) => void>();
  /** The operator's, likewise. */
  readonly #overrides = new Map<number, (objections: string[]) => void>();
  #lastHello: LastHello | null = null;
  #questionId = 0;
  #jobs: Promise<void> = Promise.resolve();
  /** The reading that the core decided on last. */
  #given = "";

  constructor(settings: AgentSettings, post: (event: Event) => void) {
    const { core, own, peer } = settings;
    this.#settings = settings;
    this.#post = post;
    this.#doors = new DoorWatch(peer.backend, DOOR_MS);
    this.#reader = new LocalReader(() => readLocal(settings.drbd.minor, this.#doors));
    this.#witness = new WitnessClient({ site: core.site, node: core.node, witness: settings.witness, pki: PKI });
    this.#etcd = new EtcdClient({ own: `https://127.0.0.1:${MEMBER_PORT}`, pki: PKI });
    const handshake = { site: core.site, sibling: core.sibling, pki: PKI, port: HANDSHAKE_PORT };
    this.#handshake = new HandshakeClient({ ...handshake, addresses: [peer.backend, peer.frontend] });
    new HandshakeServer(
      { ...handshake, addresses: [own.backend, own.frontend] },
      {
        greeted: (hello, reply) => this.#greeted(hello, reply),
        refused: (why) => say("warning", `handshake refused: ${why}`),
      },
    );
  }

  /** Gives the core its first event, then lets everything else speak. @param tell what the socket's questions are answered */
  async start(tell: {
    status(local: Local): unknown;
    override(local: Local, lastHello: LastHello | null): unknown;
  }): Promise<void> {
    if (!existsSync(CGROUP2))
      throw new Error(`T is known by its control group, and ${CGROUP2} is missing: this system has no cgroup v2`);
    if (isMounted()) adopt();
    const notes = readNotes(NOTES);
    const local = await this.#fresh();
    this.#give({ kind: "start", bootId: bootId(), notes, local });
    serveSocket(SOCKET, {
      ask: (mode, answer) => this.#asked(mode, answer),
      status: async () => tell.status(await this.#fresh()),
      override: async () => tell.override(await this.#fresh(), this.#lastHello),
      confirmOverride: (site) => this.#confirmed(site),
    });
    this.#detect();
    watchDrbd((line) => {
      if (line.startsWith("change resource ") && line.includes(" role:Primary")) mark("promote");
      forgetVolume();
      void this.look();
    });
    const { minor } = this.#settings.drbd;
    let look = cheapLook(minor);
    setInterval(() => {
      const now = cheapLook(minor);
      if (now !== look) void this.look();
      look = now;
    }, LOOK_MS);
    setInterval(() => void this.look(), READ_MS);
  }

  perform(actions: readonly Action[]): void {
    for (const action of actions) {
      const name = action.kind === "witness" ? action.request.verb : action.kind;
      race(`before ${name}`);
      this.#one(action);
      race(`after ${name}`);
    }
  }

  #one(action: Action): void {
    switch (action.kind) {
      case "note":
        writeNotes(NOTES, action.notes);
        return;
      case "verdict":
        say("notice", `fence-peer is answered ${action.verdict}: ${action.reason}`);
        if (action.verdict === "won") mark("verdict");
        this.#handlers.get(action.id)?.(action.verdict);
        this.#handlers.delete(action.id);
        return;
      case "witness":
        void this.#askWitness(action.id, action.request);
        return;
      case "greet":
        void this.#greet(action.id, action.hello);
        return;
      case "reply":
        this.#greetings.get(action.id)?.(action.hello);
        this.#greetings.delete(action.id);
        return;
      case "override":
        this.#overrides.get(action.id)?.(action.objections);
        this.#overrides.delete(action.id);
        return;
      case "members":
        void this.#etcd.members().then((members) => this.#post({ kind: "members", id: action.id, members }));
        return;
      case "job":
        this.#work(action.job, action.reason);
        return;
      case "timer":
        this.#cancel(action.name);
        this.#timers.set(
          action.name,
          setTimeout(() => this.#elapsed(action.name), action.ms),
        );
        return;
      case "cancel":
        this.#cancel(action.name);
        return;
      case "say":
        sayOnce(action.level, action.text);
    }
  }

  #elapsed(name: TimerName): void {
    this.#timers.delete(name);
    if (name === "waitOffset") mark("wait");
    this.#post({ kind: "timer", name });
  }

  #cancel(name: TimerName): void {
    clearTimeout(this.#timers.get(name));
    this.#timers.delete(name);
  }

  #work(job: Job, reason: string): void {
    say("notice", `${job.name}${job.name === "moveLeader" ? ` to ${job.to}` : ""}: ${reason}`);
    const settings = this.#settings;
    const run = async () => {
      race(`before ${job.name}`);
      const result = await carryOut(job, reason, { settings, etcd: this.#etcd, fresh: () => this.#fresh() });
      race(`after ${job.name}`);
      if (job.name === "openDoor" || job.name === "closeDoor") this.#doors.forget();
      this.#give({ kind: "done", job: job.name, ok: result.ok, why: result.why, local: await this.#fresh() });
    };
    if (URGENT.includes(job.name)) void run();
    else this.#jobs = this.#jobs.then(run);
  }

  async #askWitness(id: number, request: WitnessRequest): Promise<void> {
    const begun = performance.now();
    const answer = await this.#witness.ask(request);
    race(`answered ${request.verb}`);
    if (request.verb !== "incarnation") {
      const what = request.verb === "collect" ? "" : ` ${request.key.gen}.${request.key.k}`;
      const status = answer === "silence" ? "silence" : String(answer.status);
      const line = `witness: ${request.verb}${what}: ${status}`;
      sayOnce("info", `${line} after ${Math.round(performance.now() - begun)} ms`, line);
    }
    if (request.verb === "move" && answer !== "silence" && answer.status === 201) mark("claim");
    this.#post({ kind: "witness", id, answer });
  }

  async #greet(id: number, hello: Hello): Promise<void> {
    const answer = await this.#handshake.ask(hello);
    const why = "failure" in answer ? answer.failure : "";
    if (why !== "") sayOnce("info", `no handshake: ${why}`);
    const said = "hello" in answer ? answer.hello : null;
    if (said !== null) this.#lastHello = { at: new Date().toISOString(), hello: said };
    this.#give({ kind: "answer", id, hello: said, local: await this.#fresh() });
  }

  async #greeted(hello: Hello, reply: (hello: Hello) => void): Promise<void> {
    const id = ++this.#questionId;
    this.#lastHello = { at: new Date().toISOString(), hello };
    this.#greetings.set(id, reply);
    this.#give({ kind: "greeting", id, hello, local: await this.#fresh() });
  }

  #asked(mode: "primary" | "promotion", answer: (verdict: Verdict) => void): { gone(): void } {
    const id = ++this.#questionId;
    let state: "reading" | "asked" | "gone" = "reading";
    if (mode === "primary") marksBegin();
    this.#handlers.set(id, answer);
    void this.#fresh().then((local) => {
      if (state === "gone") return;
      state = "asked";
      this.#give({ kind: "ask", id, mode, local });
    });
    return {
      gone: () => {
        this.#handlers.delete(id);
        if (state === "asked") this.#post({ kind: "askGone", id });
        state = "gone";
      },
    };
  }

  async #confirmed(site: string): Promise<string[]> {
    const id = ++this.#questionId;
    const answer = new Promise<string[]>((resolve) => this.#overrides.set(id, resolve));
    this.#give({ kind: "override", id, site, local: await this.#fresh() });
    return answer;
  }

  #detect(): void {
    const { own, peer, detector } = this.#settings;
    const options = { ...detector, own: own.backend, sibling: peer.backend, program: "ping" };
    startDetector(options, {
      heard: () => {
        say("info", "packets of the sibling arrive");
        marksEnd();
        void dismissT();
        this.#post({ kind: "link", heard: true });
      },
      suspected: (quietMs) => {
        marksBegin();
        say("warning", `no packet of the sibling for ${quietMs} ms; asking it again`);
        mark("silence");
        // A takeover that may follow finds T loaded.
        void prepareT();
      },
      unfounded: () => {
        say("info", "the sibling answers after all");
        void dismissT();
        marksEnd();
      },
      lost: () => {
        say("warning", "the sibling is silent");
        mark("confirm");
        this.#post({ kind: "link", heard: false });
      },
      blind: (why) => say("alarm", `pings cannot be sent, a loss is left to DRBD to notice: ${why}`),
    });
  }

  #fresh(): Promise<Local> {
    return this.#reader.fresh();
  }

  /** Reads the machine, and tells the core what has changed. */
  async look(): Promise<void> {
    const local = await this.#fresh();
    if (JSON.stringify(local) !== this.#given) this.#give({ kind: "local", local });
  }

  #give(event: Extract<Event, { local: Local }>): void {
    this.#given = JSON.stringify(event.local);
    this.#post(event);
  }
}
