import { readFileSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { mark, say } from "../journal.ts";
import { DISARMED, LET_GO, MEMBER_PORT, SPLIT_BRAIN, T_PORT, T_UNIT } from "../paths.ts";
import type { AgentSettings } from "../settings.ts";
import type { Connection, Job, Local } from "../world.ts";
import { failed, type Outcome, succeeded } from "./command.ts";
import { closeDoor, openDoor } from "./door.ts";
import { connect, disconnect, forceSecondary, loadedLine } from "./drbd.ts";
import type { EtcdClient } from "./members.ts";
import { syncFolder, writeDurably } from "./notes.ts";
import { startT } from "./transient.ts";
import { killT, readT, stopUnit } from "./units.ts";
import { releaseVolume, takeVolume } from "./volume.ts";

/** Carries out one piece of work. Each looks at what is so already, and does the rest. */
export async function carryOut(
  job: Job,
  reason: string,
  context: { settings: AgentSettings; etcd: EtcdClient; fresh(): Promise<Local> },
): Promise<Outcome> {
  const { settings, etcd, fresh } = context;
  switch (job.name) {
    case "disconnect": {
      const asked = await disconnect(settings.own.backend, settings.peer.backend, settings.drbd.port);
      return marked("disconnect", await judged(asked, fresh, (connection) => connection === "StandAlone"));
    }
    case "connect":
      return judged(await connect(), fresh, (connection) => connection !== "StandAlone");
    case "closeDoor":
      return marked("door", await closeDoor(settings.peer.backend));
    case "openDoor":
      return openDoor(settings.peer.backend);
    case "takeVolume":
      return marked("mount", await takeVolume(settings.drbd.minor, fresh));
    case "releaseVolume":
      return releaseVolume(settings.drbd.minor);
    case "startT":
      return marked("start", await startT({ site: settings.core.site, minor: settings.drbd.minor, root: "" }, fresh));
    case "stopT":
      return stopUnit(T_UNIT);
    case "killT":
      return killT();
    case "letGo":
      return letGo(reason);
    case "moveLeader":
      return moveLeader(job.to, settings, etcd);
    case "rearm":
      for (const note of job.notes) unlinkSync(join(DISARMED, note));
      syncFolder(DISARMED);
      return succeeded;
    case "reportSplitBrain":
      // As DRBD's split-brain handler does; a person deletes it.
      writeDurably(SPLIT_BRAIN, `${new Date().toISOString()}\n${reason}\n`);
      return succeeded;
  }
}

function marked(name: string, result: Outcome): Outcome {
  if (result.ok) mark(name);
  return result;
}

/** DRBD's tools fail with one code for what is so already and for what cannot be: the state tells which it was. */
async function judged(
  asked: Outcome,
  fresh: () => Promise<Local>,
  isSo: (connection: Connection) => boolean,
): Promise<Outcome> {
  return asked.ok || !isSo((await fresh()).volume.connection) ? asked : succeeded;
}

async function moveLeader(to: "E1" | "E2", settings: AgentSettings, etcd: EtcdClient): Promise<Outcome> {
  const own = `https://127.0.0.1:${MEMBER_PORT}`;
  const sibling = `https://${settings.peer.frontend}:${MEMBER_PORT}`;
  const isNodeOne = settings.core.index === 0;
  try {
    await etcd.moveLeader(to, {
      E1: isNodeOne ? own : sibling,
      E2: isNodeOne ? sibling : own,
      T: `https://127.0.0.1:${T_PORT}`,
    });
    return succeeded;
  } catch (error) {
    return failed((error as Error).message);
  }
}

/** DRBD 9. T goes first: one that outlived its volume would go on answering heartbeats. */
export async function letGoByForce(): Promise<Outcome> {
  const killed = await killT();
  if (readT() === "running") return failed(`T does not end: ${killed.why || "it was killed and runs on"}`);
  return forceSecondary();
}

/** Ends this node's use of a frozen volume without completing one of its writes. */
async function letGo(reason: string): Promise<Outcome> {
  if (loadedLine() !== "8.4") return letGoByForce();
  // DRBD 8.4 cannot fail suspended I/O, and an orderly reboot would wait for the frozen mount for ever.
  const told = `this node resets itself to let go of the frozen volume: ${reason}`;
  say("alarm", told);
  try {
    writeFileSync("/dev/kmsg", `<1>tandem-agent: ${told}\n`);
    writeDurably(LET_GO, `${new Date().toISOString()} boot ${bootId()}: ${told}\n`);
  } catch (error) {
    say("warning", `the reason cannot be kept: ${(error as Error).message}`);
  }
  // Time for the journal to take the line; no sync, it would wait for the frozen volume.
  await pause(100);
  writeFileSync("/proc/sysrq-trigger", "b");
  return failed("the kernel did not reset the machine when asked by sysrq b");
}

export function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
