import { readFile } from "node:fs/promises";
import { EtcdClient } from "../arbiter/agent/linux/members.ts";
import { MEMBER_PORT, MOUNTPOINT, PKI, T_PORT } from "../arbiter/agent/paths.ts";
import { writeDurably } from "./apply/durable.ts";
import { thisMachine } from "./apply/machine.ts";
import { Failure, type Verb } from "./verb.ts";
import { FOUNDING, forgetNote, writeNote } from "./volume/record.ts";
import { formatSentinel, parseSentinel, SENTINEL } from "./volume/sentinel.ts";

/** Etcd-guard.sh refuses an empty folder once this is there. */
const RECORD = "/var/lib/tandem/etcd-member";

export const member: Verb = {
  usage: "member record",
  summary:
    "Notes durably that this node's etcd members were created, so that they never start again without their data.",
  async run(args) {
    if (args.length !== 1 || args[0] !== "record")
      throw new Failure(`\`tandem member\` knows \`record\`, not ${JSON.stringify(args.join(" "))}`);
    await recordRegular();
    await recordTransient();
  },
};

async function recordRegular(): Promise<void> {
  const id = await memberIdAt(MEMBER_PORT);
  if (id === null) throw new Failure("this node's etcd member does not answer; see: journalctl -u etcd");
  await writeNote(thisMachine, RECORD, `${id}\n`);
  // From now on an empty data folder is a loss, and no beginning.
  await forgetNote(thisMachine, FOUNDING);
}

/** Only where T runs: the sentinel lies on its volume. */
async function recordTransient(): Promise<void> {
  const path = `${MOUNTPOINT}/${SENTINEL}`;
  const text = await readFile(path, "utf8").catch(() => null);
  if (text === null) return;
  const sentinel = parseSentinel(text);
  if (sentinel.state === "created") return;
  const memberId = await memberIdAt(T_PORT);
  if (memberId === null) throw new Failure("T does not answer; see: journalctl -u etcd-transient");
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  await writeDurably(path, formatSentinel({ site: sentinel.site, state: "created", memberId }), {
    mode: 0o644,
    ...owner,
  });
}

/** Hexadecimal, as etcd's own tools print it; null while the member does not answer. */
async function memberIdAt(port: number): Promise<string | null> {
  const client = new EtcdClient({ own: `https://127.0.0.1:${port}`, pki: PKI });
  try {
    return await client.memberId();
  } catch {
    return null;
  } finally {
    client.close();
  }
}
