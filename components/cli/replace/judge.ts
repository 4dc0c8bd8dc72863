import type { StatusReport } from "../../arbiter/agent/status.ts";
import type { Member } from "../etcd-client.ts";

/** What this node knows of itself and of the node that is to be replaced. */
export interface Seen {
  readonly report: StatusReport;
  /** As a quorum lists them. */
  readonly members: readonly Member[];
  /** Name of this node's regular member. */
  readonly own: "E1" | "E2";
  /** The sibling's regular member. */
  readonly lost: {
    readonly name: "E1" | "E2";
    readonly peerUrl: string;
    /** It answers on its client port. */
    readonly answers: boolean;
  };
}

/** What etcd has yet to be told; neither, when it expects the new machine already. */
export interface Plan {
  /** The lost machine's member, to be removed for good. */
  readonly remove: Member | undefined;
  /** Whether a new member is to be expected at its peer URL. */
  readonly add: boolean;
}

/** Every reason why this node must not give its sibling up now, each a sentence with what to do. */
export function objections({ report, members, own, lost }: Seen): string[] {
  const { node, sibling, local, siblingSays, memberHealthy } = report;
  const { volume, t } = local;
  const found: string[] = [];
  if (siblingSays !== null || volume.connection === "Connected" || lost.answers) {
    const what = siblingSays !== null ? "agent" : lost.answers ? "etcd" : "DRBD";
    found.push(`${sibling} is there: its ${what} answers. Only a lost machine is replaced; power it off first.`);
  }
  if (volume.role !== "Primary" || volume.frozen || t !== "running") {
    found.push(
      `${node} does not run the third member T, so it does not carry the site alone; \`tandem status\` says why it waits.`,
    );
  } else if (volume.disk !== "UpToDate" || (volume.peerDisk !== "Outdated" && volume.peerDisk !== "Inconsistent")) {
    found.push(
      `The volume is ${volume.disk} here, and DRBD has the copy of ${sibling} down as ${volume.peerDisk}; it must be UpToDate here ` +
        "and Outdated or Inconsistent there: then no write is on the lost machine alone. Wait until this node has taken over.",
    );
  }
  if (volume.splitBrain) {
    found.push(
      `DRBD reports a split brain: the copy of ${sibling} may hold writes that this one misses. Choose a copy first.`,
    );
  }
  const started = members.filter(({ name }) => name !== "").map(({ name }) => name);
  if (!memberHealthy || !started.includes(own) || !started.includes("T")) {
    found.push(
      `etcd has a quorum without ${sibling} only with ${own} and T, and it lists ${started.join(", ") || "no member"}` +
        `${memberHealthy ? "" : ` while ${own} knows no leader`}; see \`journalctl -u etcd\`.`,
    );
  }
  return found;
}

export function planOf({ members, lost }: Seen): Plan {
  const there = members.find(({ peerUrls }) => peerUrls.includes(lost.peerUrl));
  if (there === undefined) return { remove: undefined, add: true };
  return there.name === "" ? { remove: undefined, add: false } : { remove: there, add: true };
}
