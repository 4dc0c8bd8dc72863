import { setTimeout as sleep } from "node:timers/promises";
import { withoutSecrets } from "../../arbiter/agent/linux/command.ts";
import { type Attributes, parseEvents } from "../../arbiter/agent/linux/drbd-text.ts";
import { at, type Machine } from "../apply/machine.ts";
import { type Argv, lastLines } from "../process.ts";
import { Failure } from "../verb.ts";

export const RESOURCE = "etcd-t";
const LIB = "/usr/local/lib/tandem";
const POLL_MS = 100;

/** One reading of the volume in DRBD's own words; absent where DRBD has no such object. */
export interface Reading {
  readonly configured: boolean;
  readonly role: string;
  readonly disk: string;
  readonly peerDisk: string;
  readonly connection: string;
  /** `Unknown` while apart. */
  readonly peerRole: string;
  /** `Established`, `SyncTarget`, ...; `Off` while apart. */
  readonly replication: string;
}

export async function readVolume(machine: Machine): Promise<Reading> {
  const { stdout } = await must(machine, ["drbdsetup", "events2", "--now", RESOURCE], "its state cannot be read");
  const { resource, connection, device, "peer-device": peer } = parseEvents(stdout);
  const word = (attributes: Attributes | undefined, name: string) => attributes?.[name] ?? "";
  return {
    configured: resource !== undefined,
    role: word(resource, "role"),
    disk: word(device, "disk"),
    peerDisk: word(peer, "peer-disk"),
    connection: word(connection, "connection"),
    peerRole: word(connection, "role"),
    replication: word(peer, "replication"),
  };
}

/** Polls until `done` holds. @throws Failure with `late` when the time is up */
export async function waitForVolume(
  machine: Machine,
  done: (reading: Reading) => boolean,
  withinSeconds: number,
  late: (reading: Reading) => string,
): Promise<Reading> {
  const deadline = Date.now() + withinSeconds * 1_000;
  for (;;) {
    const reading = await readVolume(machine);
    if (done(reading)) return reading;
    if (Date.now() >= deadline) throw new Failure(late(reading));
    await sleep(POLL_MS);
  }
}

/** Chooses the configuration for the DRBD that is loaded. */
export async function select(machine: Machine): Promise<void> {
  await must(machine, [at(machine, `${LIB}/drbd-attach.sh`), "select"], "DRBD cannot be set up");
}

/** Configured and attached, not connected. */
export async function attach(machine: Machine): Promise<void> {
  await must(machine, [at(machine, `${LIB}/drbd-attach.sh`)], "the volume cannot be attached");
  machine.step();
}

/** Writes metadata onto a disk that has none; DRBD refuses one that has some, because nobody answers its question. */
export async function createMetadata(machine: Machine): Promise<void> {
  await must(machine, ["drbdadm", "create-md", RESOURCE], "DRBD's metadata cannot be written");
  machine.step();
}

export async function hasMetadata(machine: Machine): Promise<boolean> {
  return (await machine.run(["drbdadm", "dump-md", RESOURCE], { timeoutMs: 30_000 })).code === 0;
}

/** Both ends look for each other from now on. */
export async function connect(machine: Machine): Promise<void> {
  if ((await readVolume(machine)).connection !== "StandAlone") return;
  await must(machine, ["drbdadm", "connect", RESOURCE], "DRBD cannot listen for its sibling");
  machine.step();
}

/** Always forced: a graceful disconnect makes DRBD note a verdict about the sibling's copy. */
export async function disconnect(machine: Machine): Promise<void> {
  const { configured, connection } = await readVolume(machine);
  if (!configured || connection === "StandAlone" || connection === "") return;
  await must(machine, ["drbdadm", "disconnect", "--force", RESOURCE], "DRBD cannot be disconnected");
  machine.step();
}

/** Declares two new, empty copies equal. The kernel refuses it for copies that are not new. */
export async function declareEqual(machine: Machine): Promise<void> {
  const argv: Argv = ["drbdadm", "new-current-uuid", "--clear-bitmap", `${RESOURCE}/0`];
  await must(machine, argv, "the two new copies cannot be declared equal");
  machine.step();
}

export async function changeRole(machine: Machine, role: "primary" | "secondary"): Promise<void> {
  await must(machine, [at(machine, `${LIB}/volume-role.sh`), role], `this node cannot become ${role}`);
  machine.step();
}

/** Detached and forgotten by the kernel; data and metadata stay on the disk. */
export async function down(machine: Machine): Promise<void> {
  if (!(await readVolume(machine)).configured) return;
  await must(machine, ["drbdsetup", "down", RESOURCE], "the volume is in use");
  machine.step();
}

/** @throws Failure `<why>: <what the program said>` */
export async function must(machine: Machine, argv: Argv, why: string, timeoutMs = 60_000) {
  const ended = await machine.run(argv, { timeoutMs });
  if (ended.code === 0) return ended;
  const said = withoutSecrets(`${ended.stdout}${ended.stderr}`);
  throw new Failure(`${why}; ${argv.join(" ")} failed${lastLines(said)}`);
}
