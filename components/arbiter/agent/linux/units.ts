import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { MOUNT_UNIT, T_PROCESSES, T_STARTED_WITH, T_UNIT, VOLUME_UNIT } from "../paths.ts";
import type { Local } from "../world.ts";
import { command, type Outcome } from "./command.ts";

const START_MS = 30_000;
const STOP_MS = 30_000;
const SIGKILL_BIT = 1n << 8n;

/** T, of which one that waits for its configuration is no part yet: it has no data, and promises and answers nothing. */
export function readT(): Local["t"] {
  return isWaiting() ? "dead" : tProcess();
}

/** T's program runs and has not been given its configuration: whoever gives it replaces the FIFO first. */
export function isWaiting(): boolean {
  const file = lstatSync(T_STARTED_WITH, { throwIfNoEntry: false });
  return file?.isFIFO() === true && tProcess() === "running";
}

/** By its processes, not by its unit: a killed T that waits for a frozen volume still holds it. */
export function tProcess(): Local["t"] {
  const states = pids().map(processState);
  if (states.includes("running")) return "running";
  return states.includes("dying") ? "dying" : "dead";
}

function pids(): string[] {
  try {
    return readFileSync(T_PROCESSES, "utf8").split("\n").filter(Boolean);
  } catch (error) {
    // systemd removes the group with its last process. Anything else says nothing about T, and must not pass for "dead".
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENODEV") return [];
    throw error;
  }
}

function processState(pid: string): Local["t"] {
  try {
    return stateOfStatus(readFileSync(`/proc/${pid}/status`, "utf8"), readdirSync(`/proc/${pid}/task`).length);
  } catch {
    return "dead";
  }
}

/** By `/proc/<pid>/status` of the main thread; a zombie that still has threads waits for one that cannot die yet. */
export function stateOfStatus(status: string, threads: number): Local["t"] {
  const field = (name: string) => new RegExp(`^${name}:\\s+(\\S+)`, "m").exec(status)?.[1] ?? "";
  if (/^[ZX]$/.test(field("State"))) return threads > 1 ? "dying" : "dead";
  const pending = BigInt(`0x${field("SigPnd") || "0"}`) | BigInt(`0x${field("ShdPnd") || "0"}`);
  return (pending & SIGKILL_BIT) === 0n ? "running" : "dying";
}

/** Volume and mount as one order for an orderly shutdown, also of what was promoted and mounted without the units. */
export function adoptVolume(): Promise<Outcome> {
  return systemctl(["start", "--no-block", VOLUME_UNIT], START_MS);
}

/** Stops T, unmounts and demotes, in this order. */
export function stopVolume(): Promise<Outcome> {
  return systemctl(["stop", T_UNIT, MOUNT_UNIT, VOLUME_UNIT], STOP_MS);
}

/** Returns once the program runs. */
export async function startUnit(unit: string): Promise<Outcome> {
  const started = await systemctl(["start", unit], START_MS);
  // Its own pause between two attempts is enough; systemd's limit on starts would end them for good.
  if (!started.ok) await systemctl(["reset-failed", unit], STOP_MS);
  return started;
}

export function stopUnit(unit: string): Promise<Outcome> {
  return systemctl(["stop", unit], STOP_MS);
}

export function killT(): Promise<Outcome> {
  return systemctl(["kill", "--signal=KILL", T_UNIT], STOP_MS);
}

function systemctl(args: readonly string[], limitMs: number): Promise<Outcome> {
  return command(["systemctl", ...args], limitMs);
}
