import type { Setup } from "./agent.ts";
import { mayWrite } from "./etcd.ts";
import { after, moves } from "./moves.ts";
import { healed, protectedSite, runFairly } from "./schedule.ts";
import { SIDES, type SimWorld } from "./world.ts";

/** Words for what a test needs to know of a site; each returns null when all is well, else what is not. */
export const last = (trace: string[]): string => trace.slice(-40).join("\n");

/** Everything is mended and nothing more happens: does the site come back to rule 1? */
export function comesBack(w: SimWorld, setup: Setup): string | null {
  const run = runFairly(healed(w), setup, (x) => protectedSite(x, setup));
  return run.reached ? null : `the site does not come back:\n${last(run.trace)}`;
}

/** T runs somewhere and may write, while nothing is mended. */
export function goesOn(w: SimWorld, setup: Setup): string | null {
  const run = runFairly(
    { ...w, faults: 0, late: 0 },
    setup,
    (x) => SIDES.some((side) => mayWrite(x, side)),
    (move) => !/boots$|carries again$|is back$|for its disk$/.test(move.label),
    60_000,
  );
  return run.reached ? null : `T does not go on:\n${last(run.trace)}`;
}

/** A protected site, then this fault: does T go on, with nothing mended? */
export function survives(w: SimWorld, setup: Setup, fault: string): string | null {
  const open = { ...w, faults: 1 };
  const move = moves(open, setup).find((each) => each.price === "fault" && each.label === fault);
  if (move === undefined) throw new Error(`there is no fault "${fault}" here`);
  const problem = goesOn(after(open, move, setup).world, setup);
  return problem === null ? null : `after "${fault}" ${problem}`;
}

/** The faults that a protected site answers for without help. */
export const SINGLE_FAULTS = ["n1 loses power", "n2 loses power", "backend and frontend are cut"] as const;
