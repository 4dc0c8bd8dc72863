import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ourselves, writeDurably } from "./apply/durable.ts";
import { kindOf } from "./apply/files.ts";
import { at, type Machine, thisMachine } from "./apply/machine.ts";
import { type MemberStatus, memberStatus } from "./etcd-client.ts";
import { Failure, type Verb } from "./verb.ts";
import { FOUNDING, forgetNote, JOINING, writeNote } from "./volume/record.ts";
import { formatSentinel, parseSentinel, SENTINEL } from "./volume/sentinel.ts";

/** From then on the regular member of this node must have its data; see etcd-guard.sh. */
export const MEMBER = "/var/lib/tandem/etcd-member";
const MOUNTPOINT = "/var/lib/etcd-transient";

const REGULAR_PORT = 2379;
const TRANSIENT_PORT = 2383;
const PATIENCE_MS = 120_000;
const POLL_MS = 500;

type Ask = (port: number) => Promise<MemberStatus>;

const askHere: Ask = (port) => memberStatus(`https://127.0.0.1:${port}`);

export const member: Verb = {
  usage: "member created",
  summary:
    "Notes that the etcd members on this node exist, once they are healthy, so that none ever starts anew on an empty folder.",
  async run(args) {
    if (args.length !== 1 || args[0] !== "created")
      throw new Failure(`\`tandem member\` knows \`created\`, not ${JSON.stringify(args.join(" "))}`);
    const said = [await recordRegular(thisMachine, askHere), await recordTransient(thisMachine, askHere)];
    process.stdout.write(`${said.join("\n")}\n`);
  },
};

/** E of this node: a durable note with its id, and the end of founding or joining. */
export async function recordRegular(machine: Machine, ask: Ask, patienceMs = PATIENCE_MS): Promise<string> {
  const { memberId } = await healthy(ask, REGULAR_PORT, patienceMs);
  const known = await readNote(machine, MEMBER);
  if (known !== undefined && known.trim() !== memberId) {
    throw new Failure(
      `this node's etcd is the member ${memberId}, and ${known.trim()} was created here; do not delete ${MEMBER}: find out ` +
        "whose data /var/lib/etcd holds",
    );
  }
  if (known === undefined) await writeNote(machine, MEMBER, `${memberId}\n`);
  await forgetNote(machine, FOUNDING);
  await forgetNote(machine, JOINING);
  return `regular member ${memberId}`;
}

/** T, if it runs here: the sentinel on its volume, for both nodes. */
export async function recordTransient(machine: Machine, ask: Ask, patienceMs = PATIENCE_MS): Promise<string> {
  const path = `${MOUNTPOINT}/${SENTINEL}`;
  if ((await kindOf(machine, path)) === "none") return "T is not on this node";
  const { site, state, memberId: known } = parseSentinel(await readFile(at(machine, path), "utf8"));
  if (state === "created") return `T ${known}`;
  const { memberId } = await healthy(ask, TRANSIENT_PORT, patienceMs);
  await writeDurably(at(machine, path), formatSentinel({ site, state: "created", memberId }), {
    mode: 0o644,
    ...ourselves,
  });
  machine.step();
  return `T ${memberId}`;
}

/** Polls until the member knows a leader: then its promises are part of the cluster. */
async function healthy(ask: Ask, port: number, patienceMs: number): Promise<MemberStatus> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    let why: string;
    try {
      const status = await ask(port);
      if (status.hasLeader) return status;
      why = "it knows no leader";
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      why = error.message;
    }
    if (Date.now() >= deadline)
      throw new Failure(
        `the member at port ${port} is not healthy after ${patienceMs / 1_000} s: ${why}; see \`tandem status\``,
      );
    await sleep(POLL_MS);
  }
}

async function readNote(machine: Machine, path: string): Promise<string | undefined> {
  try {
    return await readFile(at(machine, path), "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
