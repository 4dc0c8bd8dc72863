import { reliedOn } from "./claim.ts";
import { armed, bothUpToDate, type State, siblingBehind, witnessTrusted } from "./state.ts";
import { holdsWaiver, waives } from "./waiver.ts";
import type { ClaimStanding, Hello, Leader, Local, Token } from "./world.ts";

/** Whether the site goes on without a part, and if not, why. */
export interface Survival {
  yes: boolean;
  /** Empty if yes. */
  why: string;
}

/** What `GET /status` on the agent's socket answers: this node's view, the sibling's own words included. */
export interface StatusReport {
  site: string;
  node: string;
  sibling: string;
  local: Local;
  /** Name of the node that runs T, as far as it is known here. */
  runsT: string | null;
  leader: Leader | "unknown";
  /** The own regular member answers and knows a leader. */
  memberHealthy: boolean;
  witness: { answers: boolean; shows: Token | null; adopted: Token | null; claim: ClaimStanding };
  /** Which node has promised the other to wait for it while the witness is away, as far as this node has noted it. */
  waiver: "none" | "given" | "held";
  link: "up" | "down" | "unknown";
  /** The last answer of the sibling's agent; null while it does not answer. */
  siblingSays: Hello | null;
  /** Which Node of Kubernetes is marked as out of service; null where the site does not mark any. */
  outOfService: string | null;
  doing: string | null;
  waits: string | null;
  survives: { nodeOne: Survival; nodeTwo: Survival; witness: Survival };
}

/**
 * @param local read after the question came
 * @param outOfService what is told of the out-of-service taint
 */
export function statusReport(state: State, local: Local, outOfService: string | null = null): StatusReport {
  const s = { ...state, local };
  const { settings } = s;
  const own = withoutSibling(s);
  const other = withoutThisNode(s);
  return {
    site: settings.site,
    node: settings.node,
    sibling: settings.sibling,
    local,
    runsT: local.t === "running" ? settings.node : s.sibling?.t === "running" ? settings.sibling : null,
    leader: s.members?.leader ?? "unknown",
    memberHealthy: s.members?.healthy ?? false,
    witness: { answers: s.shows !== null, shows: s.shows, adopted: s.notes.adopted, claim: claimOf(s) },
    waiver: holdsWaiver(s) ? "held" : waives(s) ? "given" : "none",
    link: s.heard === null ? "unknown" : s.heard ? "up" : "down",
    siblingSays: s.sibling,
    outOfService,
    doing: s.job?.name ?? null,
    waits: waitsFor(s),
    survives: {
      nodeOne: settings.index === 0 ? other : own,
      nodeTwo: settings.index === 0 ? own : other,
      witness: works(s),
    },
  };
}

function claimOf(s: State): ClaimStanding {
  const { gen } = s.local.volume;
  if (reliedOn(s.notes, gen) !== null) return "won";
  if (gen !== null && s.lost === gen) return "lost";
  return gen !== null && s.undecided === gen ? "undecided" : "none";
}

const yes: Survival = { yes: true, why: "" };
const no = (why: string): Survival => ({ yes: false, why });

/** Members commit and the volume takes writes, here or there. */
function works(s: State): Survival {
  if (s.local.volume.frozen) return no("the volume is frozen until it is decided which node goes on");
  if (s.members === null || !s.members.healthy) return no("the etcd member here knows no leader");
  return yes;
}

/** Works, and T gives it a vote more than it needs; of a sibling that says nothing it is not known whether T runs there. */
function worksWithT(s: State): Survival {
  const runs = s.local.t === "running" || s.sibling === null || s.sibling.t === "running";
  const now = works(s);
  return now.yes && !runs ? no("the third member T does not run") : now;
}

/** What stays is this node. */
function withoutSibling(s: State): Survival {
  const { volume, t } = s.local;
  const now = worksWithT(s);
  if (!now.yes) return now;
  if (volume.connection !== "Connected") {
    const alone = volume.role === "Primary" && t === "running";
    return alone ? yes : no(`${s.settings.node} is apart from its sibling and does not run T`);
  }
  if (volume.disk !== "UpToDate") return no(`the copy of ${s.settings.node} is ${volume.disk}`);
  if (!armed(s)) return no(`${s.settings.node} is disarmed until its sibling confirms the resync`);
  if (volume.role === "Primary" && (siblingBehind(volume) || holdsWaiver(s))) return yes;
  if (waives(s)) return promised(s.settings.node, s.settings.sibling);
  return witnessReady(s.settings.node, s.shows, s.notes.adopted);
}

/** What stays is the sibling: only its own words tell. */
function withoutThisNode(s: State): Survival {
  const { settings, local, sibling } = s;
  const now = worksWithT(s);
  if (!now.yes) return now;
  if (sibling === null) return no(`the agent of ${settings.sibling} does not answer`);
  if (local.volume.connection !== "Connected") {
    const alone = sibling.role === "Primary" && sibling.t === "running" && !sibling.frozen;
    return alone ? yes : no(`${settings.sibling} is apart from ${settings.node}, which alone has the data`);
  }
  if (!bothUpToDate(local.volume)) return no(`the copy of ${settings.sibling} is not UpToDate yet`);
  if (sibling.disarmed.length > 0)
    return no(`${settings.sibling} is disarmed until ${settings.node} confirms the resync`);
  if (sibling.members?.healthy !== true) return no(`the etcd member of ${settings.sibling} knows no leader`);
  if (sibling.role === "Primary" && sibling.waiver === "held") return yes;
  if (sibling.waived !== "no") return promised(settings.sibling, settings.node);
  return witnessReady(settings.sibling, s.shows, sibling.incarnation);
}

/** Its sibling survives it for that; it does not survive its sibling. */
const promised = (node: string, sibling: string): Survival =>
  no(`${node} has promised ${sibling} to wait for it, because the witness did not answer`);

function witnessReady(node: string, shows: Token | null, adopted: Token | null): Survival {
  if (shows === null) return no("the witness does not answer");
  return adopted === shows ? yes : no(`${node} has not adopted the witness's new tree yet`);
}

function waitsFor(s: State): string | null {
  const { volume } = s.local;
  if (volume.splitBrain) return "a split brain: both copies are kept for the operator";
  if (volume.frozen && !witnessTrusted(s)) return "frozen; the witness does not answer, or has a new tree";
  if (volume.frozen) return "frozen until the claim is decided";
  if (s.held !== null) return `${s.held.job}: ${s.held.why}`;
  if (volume.connection !== "Connected" && waives(s)) return "for its sibling, as it has promised";
  if (volume.connection !== "Connected" && volume.role !== "Primary" && s.job === null) {
    return s.lost === volume.gen && volume.gen !== null
      ? "the sibling owns the claim: this node waits for it"
      : "apart from the sibling, without a claim";
  }
  return null;
}
