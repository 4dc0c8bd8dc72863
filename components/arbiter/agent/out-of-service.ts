/**
 * The taint by which Kubernetes gives up the pods and volumes of a lost node at once (`kubernetes.outOfServiceTaint`). Pure, and beside
 * the core: it reads what the core knows, and nothing of the core reads it.
 */
import { type Check, Misfit } from "./check.ts";
import { reliedOn } from "./claim.ts";
import { connected, holder, type State } from "./state.ts";

export const OUT_OF_SERVICE = {
  key: "node.kubernetes.io/out-of-service",
  value: "nodeshutdown",
  effect: "NoExecute",
} as const;

/** Names the node whose agent has written the taint; one without it is somebody else's. */
export const MARK = "tandem/out-of-service-by";

/** With whatever else the API says of it, which is written back as it is. */
export interface Taint {
  readonly key: string;
  readonly value?: string;
  readonly effect?: string;
}

/** What of a Node object is looked at. */
export interface NodeView {
  readonly name: string;
  readonly resourceVersion: string;
  /** `Unknown`: its kubelet was silent for too long. Any other word is the kubelet's own. Null where nobody has said anything. */
  readonly ready: "True" | "False" | "Unknown" | null;
  readonly taints: readonly Taint[];
  readonly markedBy: string | null;
}

export interface NodeChange {
  readonly verb: "set" | "removed";
  readonly reason: string;
  /** A JSON merge patch, which the API refuses if the Node has changed since it was read. */
  readonly patch: object;
}

/** The Node objects are worth a look: what is written here would be the site's. */
export const concerned = (s: State): boolean => connected(s) || (holder(s) && !s.local.volume.frozen);

/**
 * This node goes on because it has won a claim that stands, and nothing is heard of its sibling in any way. A promise of the sibling to
 * wait, an operator's override and a record that the sibling is behind let a node go on as well, and are no claim: none of them is enough.
 */
export function goesOnByClaim(s: State): boolean {
  const { volume } = s.local;
  if (!holder(s) || volume.frozen || volume.splitBrain || s.diverged || volume.connection !== "StandAlone")
    return false;
  if (s.meeting || s.heard !== false || !s.asked || s.sibling !== null) return false;
  if (volume.gen === null || volume.gen === s.notes.superseded) return false;
  // A node that goes on begins a new generation: the claim is then on the one that it left.
  return reliedOn(s.notes, volume.gen) !== null || reliedOn(s.notes, volume.left) !== null;
}

/** What is to be written to this Node of the site now; null for nothing. */
export function nodeChange(s: State, node: NodeView): NodeChange | null {
  const { node: self, sibling } = s.settings;
  const back = connected(s) || node.ready === "True";
  if (back) {
    if (node.markedBy === null) return null;
    const taints = node.taints.filter((taint) => !isOurs(taint));
    return change(node, taints, null, `${node.name} is back`);
  }
  const lost = node.name === sibling && node.ready === "Unknown" && goesOnByClaim(s);
  // One that is there is another's or ours; one that a hand has taken off again is not put back.
  if (!lost || node.markedBy !== null || node.taints.some(({ key }) => key === OUT_OF_SERVICE.key)) return null;
  const reason = `${self} owns the claim, and ${sibling} is silent to it and to Kubernetes`;
  return change(node, [...node.taints, OUT_OF_SERVICE], self, reason);
}

function isOurs({ key, value, effect }: Taint): boolean {
  return key === OUT_OF_SERVICE.key && value === OUT_OF_SERVICE.value && effect === OUT_OF_SERVICE.effect;
}

function change(
  { resourceVersion }: NodeView,
  taints: readonly Taint[],
  markedBy: string | null,
  reason: string,
): NodeChange {
  const verb = markedBy === null ? "removed" : "set";
  return {
    verb,
    reason,
    patch: { metadata: { resourceVersion, annotations: { [MARK]: markedBy } }, spec: { taints } },
  };
}

interface NodeObject {
  readonly metadata: { name: string; resourceVersion: string; annotations?: Readonly<Record<string, string>> };
  readonly spec?: { taints?: readonly Taint[] };
  readonly status?: { conditions?: readonly { type: string; status: string }[] };
}

/** @throws Misfit if it is no Node */
export const readNode: Check<NodeView> = (value, at) => {
  const { kind, metadata, spec, status } = (value ?? {}) as NodeObject & { kind?: string };
  if (kind !== "Node" || typeof metadata?.name !== "string" || typeof metadata.resourceVersion !== "string")
    throw new Misfit(`${at} is no Node: ${JSON.stringify(value)?.slice(0, 80)}`);
  const ready = status?.conditions?.find(({ type }) => type === "Ready")?.status;
  return {
    name: metadata.name,
    resourceVersion: metadata.resourceVersion,
    ready: ready === "True" || ready === "False" || ready === "Unknown" ? ready : null,
    taints: spec?.taints ?? [],
    markedBy: metadata.annotations?.[MARK] ?? null,
  };
};
