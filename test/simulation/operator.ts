import { objections } from "../../components/arbiter/agent/override.ts";
import { deliver, nodeName, type Setup, seen } from "./agent.ts";
import type { Add } from "./moves.ts";
import { opposite, SIDES, type Side, type SimWorld } from "./world.ts";

/** The override where `tandem override` offers it; the operator has switched the sibling off, as he is told to. */
export function overrides(w: SimWorld, setup: Setup, add: Add): void {
  for (const side of SIDES) {
    const { up, pause, agent } = w.nodes[side];
    if (!up || pause !== "none" || agent === null || w.nodes[opposite(side)].up) continue;
    if (objections({ ...agent, local: seen(w, side, setup) }).length > 0) continue;
    add("fault", `${nodeName(side)}: the operator overrides`, (x) =>
      deliver(x, side, { kind: "override", id: 0, site: "site", local: seen(x, side, setup) }, setup),
    );
  }
}

/** The kernel obeys an override: what only the sibling has is given up, and its copy lacks what follows. */
export function forgive(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  if (node.notes.override?.gen !== node.current) return;
  if (node.misses) w.nodes[opposite(side)].misses = true;
  node.misses = false;
}

/**
 * A node goes on by an override, and its sibling has not heard of it. Until it has, the operator keeps the one running
 * and starts the other only where they reach one another; what breaks meanwhile is what the documents warn of.
 */
export const unheardOf = (w: SimWorld): boolean => SIDES.some((side) => goesUnheard(w, side));

function goesUnheard(w: SimWorld, side: Side): boolean {
  const { notes, current, splitBrain } = w.nodes[opposite(side)];
  return w.nodes[side].notes.override !== null && notes.superseded !== current && !splitBrain;
}

export const mayBoot = (w: SimWorld, side: Side): boolean =>
  !goesUnheard(w, opposite(side)) || (w.backend && w.frontend && w.nodes[opposite(side)].up);
