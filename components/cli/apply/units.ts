import { createHash } from "node:crypto";
import { readFile, unlink } from "node:fs/promises";
import { type Argv, type Finished, lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import type { UnitSpec } from "./bundle-type.ts";
import { at, type Machine } from "./machine.ts";
import type { OwnedUnit } from "./record.ts";

/** As `systemctl show` names them. */
interface UnitState {
  readonly active: string;
  readonly load: string;
  readonly file: string;
}

export type UnitChange = "start" | "restart" | "reload" | "stop" | "enable" | "disable";

const START_LIMIT_MS = 180_000;
/** Longer than `tandem wait` waits, which then says what is missing. */
const GATE_LIMIT_MS = 820_000;
/** In /run, so that a forgotten one is gone after a boot. */
const GATE_OVERRIDE = "/run/tandem/restart-unprotected";

/** What a unit needs to be as declared; an empty list for one that is. */
export async function plannedChanges(
  machine: Machine,
  unit: UnitSpec,
  known: OwnedUnit | undefined,
): Promise<UnitChange[]> {
  if (unit.mask) return [];
  const state = await stateOf(machine, unit.name);
  const changes: UnitChange[] = [];
  if (unit.enable === true && state.file !== "enabled") changes.push("enable");
  if (unit.enable === false && state.file === "enabled") changes.push("disable");
  if (unit.state === "stopped" && isUp(state)) changes.push("stop");
  if (unit.state === "started") {
    if (!isUp(state)) changes.push("start");
    else if (await isOutdated(machine, unit.restartOn, known?.startedWith)) changes.push("restart");
    else if (await isOutdated(machine, unit.reloadOn, known?.reloadedWith)) changes.push("reload");
  }
  return changes;
}

/**
 * Brings a unit into its declared state.
 * @param nowInEffect is told the digests of the unit's files as soon as they are in effect
 */
export async function bringUp(
  machine: Machine,
  unit: UnitSpec,
  changes: readonly UnitChange[],
  nowInEffect: (digests: Partial<OwnedUnit>) => Promise<void>,
): Promise<void> {
  for (const change of changes) {
    if (change === "restart" && unit.gate !== undefined) await passGate(machine, unit.name, unit.gate);
    // Read before the restart: a file that changes meanwhile must count as not yet in effect.
    const reloadedWith = await digestOf(machine, unit.reloadOn);
    const startedWith = await digestOf(machine, unit.restartOn);
    if (change === "start" || change === "restart")
      await systemctl(machine, ["reset-failed", unit.name], { mayFail: true });
    const asked = change === "start" || change === "restart" || change === "reload";
    // A restart behind a gate has what its start waits for; the next machine's gate must not open before it is done.
    const patience = asked && unit.awaitStart === false && !(change === "restart" && unit.gate) ? ["--no-block"] : [];
    // What `enable` changes matters at the next boot: no reload of the whole manager for each unit.
    const quietly = change === "enable" || change === "disable" ? ["--no-reload"] : [];
    await systemctl(machine, [change, ...patience, ...quietly, unit.name]);
    machine.step();
    if (asked) await nowInEffect(change === "reload" ? { reloadedWith } : { startedWith, reloadedWith });
  }
}

/** @returns those that were not masked before */
export async function mask(machine: Machine, units: readonly string[]): Promise<string[]> {
  const open: string[] = [];
  for (const unit of units) if ((await stateOf(machine, unit)).file !== "masked") open.push(unit);
  if (open.length > 0) await systemctl(machine, ["mask", ...open]);
  machine.step();
  return open;
}

/** Where a unit's own file lies, or undefined for a drop-in and for any other file. */
export function unitOfFile(path: string): string | undefined {
  return /^\/etc\/systemd\/system\/([^/]+\.(?:service|mount|target|socket|timer|path))$/.exec(path)?.[1];
}

/**
 * What a unit will need when Tandem goes, seen before Tandem touches it.
 * @param ours the unit's file is written by the same bundle, so without Tandem there is no such unit
 */
export async function leaveOf(machine: Machine, unit: UnitSpec, ours: boolean): Promise<OwnedUnit["leave"]> {
  if (ours) return "stop";
  if (unit.state !== "started") return "nothing";
  return isUp(await stateOf(machine, unit.name)) ? "reload" : "stop";
}

/**
 * Stops and disables a unit that Tandem no longer declares, and frees one that it had masked.
 * @param shared another component declares it too
 * @returns whether the unit goes on and is to be reloaded once the component's files are gone
 */
export async function letGo(machine: Machine, name: string, owned: OwnedUnit, shared: boolean): Promise<boolean> {
  if (shared || owned.leave === "reload") return true;
  if (owned.masked) {
    await systemctl(machine, ["unmask", name]);
    machine.step();
    return false;
  }
  const state = await stateOf(machine, name);
  if (owned.leave === "stop" && isUp(state)) await systemctl(machine, ["stop", name]);
  machine.step();
  if (owned.enabled && state.load !== "not-found") await systemctl(machine, ["disable", "--no-reload", name]);
  machine.step();
  return false;
}

export async function reloadUnit(machine: Machine, name: string): Promise<void> {
  if (isUp(await stateOf(machine, name))) await systemctl(machine, ["reload-or-restart", name]);
  machine.step();
}

export async function reloadManager(machine: Machine): Promise<void> {
  await systemctl(machine, ["daemon-reload"]);
  machine.step();
}

export async function isEnabled(machine: Machine, unit: string): Promise<boolean> {
  return (await stateOf(machine, unit)).file === "enabled";
}

export async function isActive(machine: Machine, unit: string): Promise<boolean> {
  return (await stateOf(machine, unit)).active === "active";
}

/** What the journal says last of a unit, as a suffix of a message. */
export async function journalOf(machine: Machine, unit: string): Promise<string> {
  const ended = await machine.run(["journalctl", "--unit", unit, "--lines", "15", "--output", "cat", "--no-pager"], {
    timeoutMs: 20_000,
  });
  return lastLines(ended.stdout);
}

async function passGate(machine: Machine, unit: string, gate: "protected"): Promise<void> {
  if (await takeOverride(machine)) return;
  const ended = await machine.run(["/usr/local/sbin/tandem", "wait", gate], { timeoutMs: GATE_LIMIT_MS });
  if (ended.code === 0) return;
  throw new Failure(
    `${unit} has changed and was not restarted, because the site is not ${gate} and a restart now could stop it; see ` +
      "`tandem status` on both nodes, repair what it names, and run `pulumi up` again. If this very change is the repair, " +
      `\`touch ${GATE_OVERRIDE}\` on this node lets the next run restart without waiting${lastLines(ended.stderr)}`,
  );
}

/** An operator's word, good for one restart. */
async function takeOverride(machine: Machine): Promise<boolean> {
  return unlink(at(machine, GATE_OVERRIDE)).then(
    () => true,
    () => false,
  );
}

async function stateOf(machine: Machine, unit: string): Promise<UnitState> {
  // A template has a file and no state, and `show` refuses its name.
  if (unit.includes("@.")) {
    const { stdout } = await machine.run(["systemctl", "is-enabled", "--", unit], { timeoutMs: 30_000 });
    return { active: "", load: "", file: stdout.trim() };
  }
  const ended = await machine.run(["systemctl", "show", "--property=ActiveState,LoadState,UnitFileState", "--", unit], {
    timeoutMs: 30_000,
  });
  if (ended.code !== 0) throw new Failure(`systemctl show ${unit} failed${lastLines(ended.stderr)}`);
  const values = new Map(ended.stdout.split("\n").map((line) => line.split("=") as [string, string]));
  const value = (name: string) => values.get(name) ?? "";
  return { active: value("ActiveState"), load: value("LoadState"), file: value("UnitFileState") };
}

/** `activating` counts: etcd is that until its quorum is there. */
function isUp(state: UnitState): boolean {
  return state.active === "active" || state.active === "activating" || state.active === "reloading";
}

async function systemctl(machine: Machine, args: readonly string[], { mayFail = false } = {}): Promise<Finished> {
  const argv: Argv = ["systemctl", "--quiet", ...args];
  const ended = await machine.run(argv, { timeoutMs: START_LIMIT_MS });
  if (ended.code === 0 || mayFail) return ended;
  const unit = args.at(-1) ?? "";
  const said = lastLines(ended.stderr);
  throw new Failure(
    `systemctl ${args.join(" ")} failed${said}${unit.includes(".") ? await journalOf(machine, unit) : ""}`,
  );
}

async function isOutdated(
  machine: Machine,
  paths: readonly string[] | undefined,
  known: string | null | undefined,
): Promise<boolean> {
  return paths !== undefined && known !== (await digestOf(machine, paths));
}

async function digestOf(machine: Machine, paths: readonly string[] = []): Promise<string> {
  const hash = createHash("sha256");
  for (const path of [...paths].sort()) {
    const content = await readFile(at(machine, path)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return undefined;
    });
    hash.update(`${path}\0${content === undefined ? "absent" : createHash("sha256").update(content).digest("hex")}\0`);
  }
  return hash.digest("hex");
}
