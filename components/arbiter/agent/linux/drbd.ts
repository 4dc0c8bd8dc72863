import { spawn } from "node:child_process";
import { accessSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { say } from "../journal.ts";
import { RESOURCE, SPLIT_BRAIN } from "../paths.ts";
import { bothUpToDate } from "../state.ts";
import { DOWN, type Volume } from "../world.ts";
import { command, type Outcome } from "./command.ts";
import {
  isSuspendedByFencing,
  parseEvents,
  parseGenerations,
  parseProc,
  stateOfEvents,
  stateOfProc,
} from "./drbd-text.ts";

const PROC = "/proc/drbd";
const ASK_MS = 2000;
const ACT_MS = 10_000;
const PROMOTION_MS = 30_000;
/** Generations and state are asked one after the other; they are one reading if the state did not change meanwhile. */
const ATTEMPTS = 5;
const STREAM_PAUSE_MS = 500;
/** For what somebody changed by hand. */
const REST_MS = 10_000;

export type DrbdLine = "8.4" | "9";

/** Which DRBD is loaded; null while none is. */
export function loadedLine(): DrbdLine | null {
  const proc = readProc();
  if (proc === null) return null;
  return /^version: 8\./m.test(proc) ? "8.4" : "9";
}

/** For 8.4 the tool behind the `drbdsetup` front end: half the time of a call is the front end. */
function drbdsetup84(): string {
  const direct = "/usr/lib/drbd/drbdsetup-84";
  try {
    accessSync(direct);
    return direct;
  } catch {
    return "drbdsetup";
  }
}

/** One consistent reading of the volume. Down when DRBD is not loaded or the resource not configured. */
export async function readVolume(minor: number): Promise<Volume> {
  const line = loadedLine();
  if (line === null) return DOWN;
  const splitBrain = existsSync(SPLIT_BRAIN);
  const volume = await (line === "8.4" ? readVolume84(minor) : readVolume9());
  return { ...volume, splitBrain };
}

/** The last reading made while nothing can change the generations, and the kernel's line of that moment. */
let atRest: { line: string; volume: Volume; at: number } | null = null;

async function readVolume84(minor: number): Promise<Volume> {
  const tool = drbdsetup84();
  for (let attempt = 1; ; attempt++) {
    const before = parseProc(readProc() ?? "", minor);
    if (before === null) return DOWN;
    const line = JSON.stringify(before);
    if (atRest?.line === line && performance.now() - atRest.at < REST_MS) return atRest.volume;
    atRest = null;
    const [gi, events] = await Promise.all([
      command([tool, "get-gi", String(minor)], ASK_MS),
      before.suspended ? command([tool, "events2", "--now", RESOURCE], ASK_MS) : null,
    ]);
    const same = line === JSON.stringify(parseProc(readProc() ?? "", minor));
    const generations = parseGenerations(gi.stdout);
    const complete = (generations !== null || before.disk === "Diskless") && events?.ok !== false;
    if ((!same || !complete) && attempt < ATTEMPTS) continue;
    // Suspended, and DRBD does not say by what: taken for the worse.
    const fenced = events?.ok ? isSuspendedByFencing(parseEvents(events.stdout).resource) : before.suspended;
    const volume = { ...DOWN, ...stateOfProc(before, fenced), ...(generations ?? { gen: null, left: null }) };
    // DRBD makes a new generation when the copies part, or at the end of a resync.
    if (same && complete && before.cs === "Connected" && bothUpToDate(volume) && !before.suspended) {
      atRest = { line, volume, at: performance.now() };
    }
    return volume;
  }
}

async function readVolume9(): Promise<Volume> {
  const now = () => command(["drbdsetup", "events2", "--now", RESOURCE], ASK_MS);
  let before = await now();
  for (let attempt = 1; ; attempt++) {
    const objects = parseEvents(before.stdout);
    const state = stateOfEvents(objects);
    if (state === null) return DOWN;
    const peer = objects["peer-device"]?.["peer-node-id"] ?? "0";
    const gi = await command(["drbdsetup", "get-gi", RESOURCE, peer, "0"], ASK_MS);
    const after = await now();
    const generations = parseGenerations(gi.stdout);
    const complete = generations !== null || state.disk === "Diskless";
    if ((before.stdout !== after.stdout || !complete) && attempt < ATTEMPTS) {
      before = after;
      continue;
    }
    return { ...DOWN, ...state, ...(generations ?? { gen: null, left: null }) };
  }
}

/** DRBD has announced something: what was read before is old, even if the kernel's line should be the same again. */
export function forgetVolume(): void {
  atRest = null;
}

/** A cheap look that changes whenever the volume's state does: the kernel's own line. Constant on DRBD 9, which has none. */
export function glance(minor: number): string {
  return JSON.stringify(parseProc(readProc() ?? "", minor));
}

function readProc(): string | null {
  try {
    return readFileSync(PROC, "utf8");
  } catch {
    return null;
  }
}

/**
 * Passes on every line that DRBD announces, and an empty one at the start of each stream: a change while there was none is
 * not announced again.
 */
export function watchDrbd(changed: (line: string) => void): void {
  const again = () => setTimeout(() => watchDrbd(changed), STREAM_PAUSE_MS);
  // Asking would load the module; that is not the agent's to do.
  if (loadedLine() === null) {
    again();
    return;
  }
  const stream = spawn("drbdsetup", ["events2", RESOURCE], { stdio: ["ignore", "pipe", "ignore"] });
  createInterface({ input: stream.stdout }).on("line", changed);
  stream.on("error", () => {});
  stream.on("close", again);
  changed("");
}

/** Cuts DRBD's connection, at once and without outdating the sibling's copy. */
export async function disconnect(own: string, sibling: string, port: number): Promise<Outcome> {
  if (loadedLine() === "8.4") {
    const ends = [`ipv4:${own}:${port}`, `ipv4:${sibling}:${port}`] as const;
    const direct = await command([drbdsetup84(), "disconnect", ...ends, "--force"], ACT_MS);
    if (direct.ok) return direct;
    say("warning", `${direct.why}; asking drbdadm`);
  }
  return command(["drbdadm", "disconnect", "--force", RESOURCE], ACT_MS);
}

/** Lets DRBD look for its sibling, with the network options of its configuration file. */
export function connect(): Promise<Outcome> {
  return command(["drbdadm", "connect", RESOURCE], ACT_MS);
}

/** Returns when the kernel has asked the fence-peer handler, which it does up to four times; nothing to do for a Primary. */
export function promote(minor: number): Promise<Outcome> {
  return setRole("primary", minor, PROMOTION_MS);
}

/** The volume must not be in use; nothing to do for a Secondary. */
export function demote(minor: number): Promise<Outcome> {
  return setRole("secondary", minor, ACT_MS);
}

// drbdadm does the same with one word for all versions, but kills a promotion after five seconds, and fence-peer may take
// longer to say no.
function setRole(role: "primary" | "secondary", minor: number, limitMs: number): Promise<Outcome> {
  if (loadedLine() === "8.4") return command([drbdsetup84(), role, String(minor)], limitMs);
  return command(["drbdsetup", role, RESOURCE], limitMs);
}

/** DRBD 9 only: Secondary at once, every open file gets I/O errors. */
export function forceSecondary(): Promise<Outcome> {
  return command(["drbdsetup", "secondary", RESOURCE, "--force"], ACT_MS);
}
