import type { OverrideReport } from "../../arbiter/agent/override-report.ts";

/** Null for what there is no note of. */
export interface Times {
  readonly now: Date;
  readonly booted: Date;
  /** The agent's notes changed last. */
  readonly notes: Date | null;
  /** The oldest disarm note. */
  readonly disarmed: Date | null;
}

/** For a person who is about to decide: what is known, what would be lost, and what must follow. */
export function describe(report: OverrideReport, times: Times): string {
  const rows = known(report, times).map(([name, value]) => `${name.padEnd(14)}${value}`);
  return [
    ...rows,
    "",
    "What would be lost:",
    ...losses(report).map((line) => `- ${line}`),
    "",
    "What must be so, before and afterwards:",
    ...duties(report).map((line) => `- ${line}`),
    "",
  ].join("\n");
}

function known(report: OverrideReport, times: Times): [string, string][] {
  const { node, sibling, local, link, lastHello, waits } = report;
  const { volume } = local;
  const frozen = volume.frozen ? ", frozen" : "";
  const last =
    lastHello === null
      ? "it has said nothing to this agent since the agent started"
      : `it spoke last ${at(new Date(lastHello.at), times.now)}: ${words(lastHello.hello)}`;
  return [
    ["site", `${report.site}, seen from ${node}`],
    ["this copy", `${volume.role}, ${volume.disk}${frozen}, ${volume.connection}, peer disk ${volume.peerDisk}`],
    ["generation", `${volume.gen ?? "none"}, left ${volume.left ?? "none"}`],
    ["alone", alone(volume.connection === "Connected", times)],
    ["armed", armed(report, times)],
    [sibling, `packets ${link}; ${last}`],
    ["witness", witness(report)],
    ["waits", waits ?? "for nothing that its agent could name"],
  ];
}

/** Nothing notes the loss itself; the agent notes that it closes the door, and what it asks the witness. */
function alone(isConnected: boolean, { now, notes, booted }: Times): string {
  const booting = `booted ${at(booted, now)}`;
  if (isConnected) return `no; ${booting}`;
  const last = notes === null ? "" : `since no later than the last change of its notes, ${at(notes, now)}; `;
  return `${last}${booting}`;
}

function armed({ diskFailed }: OverrideReport, { disarmed, now }: Times): string {
  if (disarmed !== null) return `no: a resync onto this copy began ${at(disarmed, now)}`;
  return diskFailed ? "no: this disk has failed" : "yes";
}

function words({ gen, left, role, disk, frozen }: NonNullable<OverrideReport["lastHello"]>["hello"]): string {
  return `${role}, ${disk}${frozen ? ", frozen" : ""}, generation ${gen ?? "none"}, left ${left ?? "none"}`;
}

function witness({ witness: { shows, adopted, claim }, sibling }: OverrideReport): string {
  if (shows === null) return `does not answer; the claim on this generation: ${claim}`;
  if (shows !== adopted) return "answers with a new tree, which knows nothing of older claims";
  return `answers; the claim on this generation: ${claim === "lost" ? `owned by ${sibling}` : claim}`;
}

function losses({ node, sibling, local, witness, waiver, diskFailed, superseded }: OverrideReport): string[] {
  const found: string[] = [];
  if (superseded)
    found.push(`${sibling} has said that it went on without ${node}. Every write since is on ${sibling} alone.`);
  else if (witness.claim === "lost")
    found.push(
      `${sibling} owns the claim on this generation, so it may have gone on without ${node}. Every write since then is on ${sibling} alone.`,
    );
  if (waiver === "given")
    found.push(
      `${node} has promised to wait for ${sibling}, so that it could go on alone without the witness. If it did, every write since is on ${sibling} alone.`,
    );
  if (local.disarmed.length > 0)
    found.push(
      `${node} was being brought up to date, and ${sibling} has not confirmed that nothing is missing. The last writes may be on ${sibling} alone.`,
    );
  if (diskFailed)
    found.push(`The disk of ${node} has failed at some time. Every write from then on may be on ${sibling} alone.`);
  if (found.length > 0) return found;
  return [
    `As far as ${node} knows, both copies were equal when the nodes parted. Whether ${sibling} went on alone after that, only ` +
      `${sibling} and the witness could tell; if it did, every write since is on ${sibling} alone.`,
  ];
}

function duties({ node, sibling }: OverrideReport): string[] {
  return [
    `${sibling} must be switched off, at its power and not only by its silence: if it runs, both nodes may accept writes.`,
    `${sibling} may be started again only while T runs on ${node} and both of its links carry. It then gives its copy up by itself, or ` +
      "both stop with a split brain, if it had gone on.",
    `If it may have gone on alone, replace it by a blank machine instead (\`tandem replace ${sibling}\`): its etcd member holds ` +
      "those writes too, and must not come back.",
  ];
}

function at(date: Date, now: Date): string {
  const minutes = Math.max(0, Math.round((now.getTime() - date.getTime()) / 60_000));
  const ago =
    minutes < 120
      ? `${minutes} min`
      : minutes < 2880
        ? `${Math.round(minutes / 60)} h`
        : `${Math.round(minutes / 1440)} days`;
  return `${date.toISOString().slice(0, 19)}Z (${ago} ago)`;
}
