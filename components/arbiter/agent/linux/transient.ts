import {
  chmodSync,
  closeSync,
  constants,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { T_SETTINGS, T_STARTED_WITH, T_UNIT } from "../paths.ts";
import type { Local } from "../world.ts";
import { command, failed, type Outcome, succeeded } from "./command.ts";
import { type GuardedNode, refusal } from "./transient-guard.ts";
import { isWaiting, startUnit, stopUnit, tProcess } from "./units.ts";

const LIMIT_MS = 5000;
/** From the start of the program until it asks for its configuration; a tenth of this on a slow machine. */
const READY_MS = 10_000;
const LOOK_MS = 5;

/** One at a time: loading would take the FIFO away from under another's program, dismissing end one that has just begun. */
let turn: Promise<unknown> = Promise.resolve();

function inTurn(work: () => Promise<Outcome>): Promise<Outcome> {
  const done = turn.then(work).catch((error: Error) => failed(error.message));
  turn = done;
  return done;
}

/**
 * Starts T's program without its data: it reads its configuration from a FIFO, and waits there until it gets one. So a
 * takeover that is under way has T loaded by the time the volume is mounted; until then nothing of T is at work.
 */
export const prepareT = (): Promise<Outcome> => inTurn(load);

/** Ends a T that waits and is not needed. */
export const dismissT = (): Promise<Outcome> => inTurn(async () => (isWaiting() ? stopUnit(T_UNIT) : succeeded));

/** Lets T work on its data, if nothing speaks against it. */
export const startT = (node: GuardedNode, fresh: () => Promise<Local>): Promise<Outcome> =>
  inTurn(async () => {
    const loaded = await load();
    if (!loaded.ok) return loaded;
    const fifo = await openWhenRead();
    if (typeof fifo !== "number") return fifo;
    let started: Outcome;
    try {
      const why = await refusal(node, await fresh());
      started = why === null ? configure(fifo, readFileSync(T_SETTINGS, "utf8")) : failed(`T is not started: ${why}`);
    } finally {
      closeSync(fifo);
    }
    // Its first read has ended with nothing: what it were given now would be half of its settings.
    if (!started.ok) await stopUnit(T_UNIT);
    return started;
  });

async function load(): Promise<Outcome> {
  if (isWaiting()) return succeeded;
  const state = tProcess();
  if (state !== "dead") return failed(`T is ${state}`);
  // For T's user to read, for nobody else to take away.
  const folder = await command(
    ["install", "--directory", "--mode=0750", "--group=tandem-etcd", dirname(T_STARTED_WITH)],
    LIMIT_MS,
  );
  if (!folder.ok) return folder;
  rmSync(T_STARTED_WITH, { force: true });
  const fifo = await command(["mkfifo", "--mode=0644", T_STARTED_WITH], LIMIT_MS);
  return fifo.ok ? startUnit(T_UNIT) : fifo;
}

function configure(fifo: number, text: string): Outcome {
  try {
    const aside = `${T_STARTED_WITH}.new`;
    writeFileSync(aside, text);
    chmodSync(aside, 0o644);
    // etcd reads twice: first from the FIFO that it has open, then what is in its place. From here on T counts as running;
    // without a configuration it would end, because it may not write where it then would.
    renameSync(aside, T_STARTED_WITH);
    // Smaller than what a pipe holds, so it is written whole.
    writeSync(fifo, text);
    return succeeded;
  } catch (error) {
    return failed(`T does not take its configuration: ${(error as Error).message}`);
  }
}

async function openWhenRead(): Promise<number | Outcome> {
  for (const begun = performance.now(); performance.now() - begun < READY_MS; await pause(LOOK_MS)) {
    try {
      return openSync(T_STARTED_WITH, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      // Nobody reads yet.
      if ((error as NodeJS.ErrnoException).code !== "ENXIO") return failed((error as Error).message);
    }
    if (tProcess() === "dead")
      return failed(`${T_UNIT} ended before it read its configuration; see journalctl -u ${T_UNIT}`);
  }
  return failed(`${T_UNIT} has not asked for its configuration within ${READY_MS} ms`);
}
