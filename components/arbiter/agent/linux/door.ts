import { spawn } from "node:child_process";
import type { Local } from "../world.ts";
import { command, type Outcome } from "./command.ts";

const LIMIT_MS = 5000;
const LISTEN_AGAIN_MS = 1000;

/** The two rules that drop etcd peer traffic with the sibling in both directions, as `door.sh` makes them at boot. */
const RULES = [
  { pref: 2380, port: "dport", start: "dport_start", end: "dport_end" },
  { pref: 2381, port: "sport", start: "sport_start", end: "sport_end" },
] as const;
const [FIRST_PORT, LAST_PORT] = [2380, 2382];

type IpRule = Readonly<Record<string, unknown>>;

type DoorState = Local["door"];

export async function readDoor(sibling: string): Promise<DoorState> {
  const asked = await command(["ip", "-j", "rule", "show"], LIMIT_MS);
  // Whether the rules are there is not known: nobody may take such a door for closed, nor for open.
  return asked.ok ? doorOf(asked.stdout, sibling) : "half";
}

export function doorOf(json: string, sibling: string): DoorState {
  const rules = JSON.parse(json) as IpRule[];
  const inForce = RULES.filter((wanted) =>
    rules.some(
      (rule) =>
        rule.priority === wanted.pref &&
        rule.dst === sibling &&
        rule.ipproto === "tcp" &&
        rule[wanted.start] === FIRST_PORT &&
        rule[wanted.end] === LAST_PORT &&
        rule.action === "blackhole",
    ),
  );
  return inForce.length === RULES.length ? "closed" : inForce.length === 0 ? "open" : "half";
}

/** Both rules in force when it is ok; a rule that is already there is no failure. */
export function closeDoor(sibling: string): Promise<Outcome> {
  return change("add", sibling, "closed");
}

/** Both rules gone when it is ok. */
export function openDoor(sibling: string): Promise<Outcome> {
  return change("del", sibling, "open");
}

async function change(verb: "add" | "del", sibling: string, wanted: DoorState): Promise<Outcome> {
  // One that is already there, or already gone, must not keep the other from being changed; what counts is what is read back.
  const said = await Promise.all(
    RULES.map(({ pref, port }) => {
      const ports = [port, `${FIRST_PORT}-${LAST_PORT}`];
      const rule = ["blackhole", "to", sibling, "ipproto", "tcp", ...ports, "protocol", "kernel", "pref", String(pref)];
      return command(["ip", "rule", verb, ...rule], LIMIT_MS);
    }),
  );
  const now = await readDoor(sibling);
  const why = `the door is ${now}, not ${wanted}: ${said.map((one) => one.why).join("; ")}`;
  return { ok: now === wanted, code: null, stdout: "", why: now === wanted ? "" : why };
}

/**
 * The state of the door without a program for each look: asked again after a change of any rule, which the kernel tells,
 * and after a while.
 */
export class DoorWatch {
  readonly #sibling: string;
  readonly #maxAgeMs: number;
  #known: { door: DoorState; at: number } | null = null;
  /** Changes told while it was being asked make that answer old. */
  #changes = 0;

  constructor(sibling: string, maxAgeMs: number) {
    this.#sibling = sibling;
    this.#maxAgeMs = maxAgeMs;
    this.#listen();
  }

  async read(): Promise<DoorState> {
    if (this.#known !== null && performance.now() - this.#known.at < this.#maxAgeMs) return this.#known.door;
    const at = performance.now();
    const changes = this.#changes;
    const door = await readDoor(this.#sibling);
    if (changes === this.#changes) this.#known = { door, at };
    return door;
  }

  forget(): void {
    this.#changes++;
    this.#known = null;
  }

  #listen(): void {
    const monitor = spawn("ip", ["monitor", "rule"], { stdio: ["ignore", "pipe", "ignore"] });
    monitor.stdout.on("data", () => this.forget());
    monitor.on("error", () => {});
    monitor.on("close", () => {
      this.forget();
      setTimeout(() => this.#listen(), LISTEN_AGAIN_MS);
    });
  }
}
