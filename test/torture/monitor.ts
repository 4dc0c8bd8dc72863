import { parseProc } from "../../components/arbiter/agent/linux/drbd-text.ts";
import { nowNs } from "../e2e/load/operation.ts";
import type { Lab } from "../lab/lab.ts";
import type { Power } from "./faults/power.ts";
import { Follower } from "./follower.ts";
import { type Node, nodes } from "./schedule.ts";

/** What a node was seen to be from this moment on. */
export interface Sample {
  node: Node;
  atNs: number;
  /** DRBD's connection state, `StandAlone` or `Connected` for instance; empty when nothing is known. */
  connection: string;
  role: string;
  disk: string;
  frozen: boolean;
  /** A process of T exists. */
  t: boolean;
}

const minor = 10;
/** Lines come every two seconds at least; without one for longer than this nothing is known. */
const silenceNs = 4e9;
/** Time for a Primary to notice that its connection is dead; until it does, none of its writes can complete. */
const noticeNs = 6e9;

/** Reads with the shell's own words only, five times a second: a line whenever something changed, and now and then. */
const script = `i=0; last=; while :; do
  d=; while read -r l; do case $l in *cs:*) d=$l;; esac; done </proc/drbd 2>/dev/null
  # One that waits for its settings is a loaded program and no member.
  t=; [ -p /run/tandem-transient/config ] || read -r t </sys/fs/cgroup/system.slice/etcd-transient.service/cgroup.procs 2>/dev/null
  i=$((i+1)); [ "$d $t" = "$last" ] && [ $((i%10)) -ne 0 ] || echo "$d t=$t"
  last="$d $t"; sleep 0.2
done`;

/** Watches both nodes from within, as long as they answer. */
export class Monitor {
  samples: Sample[] = [];
  private readonly followers: Follower[];

  constructor(lab: Lab, power: Power) {
    this.followers = nodes.map((node) => {
      const line = (text: string) => void this.samples.push(sampleOf(node, nowNs(), text));
      const lost = () => void this.samples.push(unknown(node, nowNs()));
      return new Follower(lab, power, node, script, { line, lost });
    });
  }

  end(): void {
    for (const follower of this.followers) follower.end();
  }
}

/** @param line of /proc/drbd, with T's first process */
export function sampleOf(node: Node, atNs: number, line: string): Sample {
  const volume = parseProc(line, minor);
  const t = /t=\d+$/.test(line);
  if (!volume) return { ...unknown(node, atNs), t };
  const { cs, role, disk, suspended } = volume;
  return { node, atNs, connection: cs, role, disk, frozen: suspended, t };
}

function unknown(node: Node, atNs: number): Sample {
  return { node, atNs, connection: "", role: "", disk: "", frozen: false, t: false };
}

const apart =
  /^(StandAlone|Disconnecting|Unconnected|Timeout|BrokenPipe|NetworkFailure|ProtocolError|TearDown|WFConnection|WFReportParams)$/;

/** T runs on a volume that takes writes, as far as the node itself knows. */
const unfrozen = (one: Sample): boolean => one.t && one.role === "Primary" && !one.frozen;
/** And its sibling has no part in them. */
const alone = (one: Sample): boolean => unfrozen(one) && apart.test(one.connection);

/** Both nodes with T unfrozen: both alone at any time, or both in any way for longer than a dead connection goes unnoticed. */
export function twoHolders(samples: readonly Sample[]): string[] {
  const now = new Map<Node, Sample>(nodes.map((node) => [node, unknown(node, 0)]));
  const problems: string[] = [];
  let bothSinceNs: number | undefined;
  for (const sample of samples) {
    now.set(sample.node, sample);
    const both = [...now.values()].map((one) =>
      sample.atNs - one.atNs > silenceNs ? unknown(one.node, one.atNs) : one,
    );
    if (both.every(alone)) problems.push(`two nodes run T alone: ${both.map(describe).join("; ")}`);
    if (!both.every(unfrozen)) bothSinceNs = undefined;
    else bothSinceNs ??= sample.atNs;
    if (bothSinceNs !== undefined && sample.atNs - bothSinceNs > noticeNs)
      problems.push(`two nodes run T unfrozen: ${both.map(describe).join("; ")}`);
  }
  return [...new Set(problems)];
}

export function describe({ node, connection, role, disk, frozen, t }: Sample): string {
  if (connection === "" && !t) return `${node} tells nothing`;
  return `${node} ${role} ${connection} ${disk}${frozen ? " frozen" : ""}${t ? " with T" : ""}`;
}
