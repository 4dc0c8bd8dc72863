import { readdirSync, readFileSync } from "node:fs";
import { MOUNT_UNIT, MOUNTPOINT, T_UNIT, VOLUME_UNIT } from "../paths.ts";
import type { Local } from "../world.ts";
import { command, type Outcome } from "./command.ts";

const START_MS = 30_000;
const STOP_MS = 30_000;
const CGROUP = `/sys/fs/cgroup/system.slice/${T_UNIT}/cgroup.procs`;
const SIGKILL_BIT = 1n << 8n;

/** Whether T's file system is mounted, as this mount namespace sees it: the unit has none of its own. */
export function isMounted(mountinfo = readFileSync("/proc/self/mountinfo", "utf8")): boolean {
  return mountinfo.split("\n").some((line) => line.split(" ")[4] === MOUNTPOINT);
}

/** T by its processes, not by its unit: a killed T that waits for a frozen volume still holds it. */
export function readT(): Local["t"] {
  const states = pids().map(processState);
  if (states.includes("running")) return "running";
  return states.includes("dying") ? "dying" : "dead";
}

function pids(): string[] {
  try {
    return readFileSync(CGROUP, "utf8").split("\n").filter(Boolean);
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

/** Promotes and mounts, unless the units are active already. */
export function startVolume(): Promise<Outcome> {
  return start([VOLUME_UNIT, MOUNT_UNIT]);
}

/** Unmounts and demotes. */
export function stopVolume(): Promise<Outcome> {
  return systemctl(["stop", T_UNIT, MOUNT_UNIT, VOLUME_UNIT], STOP_MS);
}

/** Returns once the program runs, not once it has a quorum. */
export function startT(): Promise<Outcome> {
  return start([T_UNIT]);
}

export function stopT(): Promise<Outcome> {
  return systemctl(["stop", T_UNIT], STOP_MS);
}

export function killT(): Promise<Outcome> {
  return systemctl(["kill", "--signal=KILL", T_UNIT], STOP_MS);
}

async function start(units: readonly string[]): Promise<Outcome> {
  const started = await systemctl(["start", ...units], START_MS);
  // Its own pause between two attempts is enough; systemd's limit on starts would end them for good.
  if (!started.ok) await systemctl(["reset-failed", ...units], STOP_MS);
  return started;
}

function systemctl(args: readonly string[], limitMs: number): Promise<Outcome> {
  return command(["systemctl", ...args], limitMs);
}
