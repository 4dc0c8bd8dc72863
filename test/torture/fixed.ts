import type { Fault, Schedule, Step } from "./schedule.ts";

/**
 * The schedules of `npm test`: what the scenarios of test/e2e cannot do. Each is more than one failure, so none has a limit
 * for the time without writes.
 */

const at = (atMs: number, forMs: number, fault: Fault): Step => ({ atMs, forMs, fault });
const one = (name: string, ...steps: Step[]): Schedule => ({ family: "fixed", name, steps });

export const fixed: readonly Schedule[] = [
  one(
    "node one's power cut, and node two's agent killed before its claim is answered",
    at(0, 60_000, { kind: "race", where: "n2", point: "after move", act: "kill" }),
    at(1000, 3000, { kind: "power", where: "n1" }),
  ),
  one(
    "the hand-over loses node two's power between T's end and the demotion",
    at(0, 120_000, { kind: "race", where: "n2", point: "after stopT", act: "power" }),
    at(1000, 2000, { kind: "power", where: "n1" }),
  ),
  one(
    "the holder is cut from its sibling and from the witness, and loses",
    at(1000, 6000, { kind: "cut", where: "n1-n2", direction: "both", net: "all" }),
    at(1000, 6000, { kind: "cut", where: "n1-w", direction: "both", net: "all" }),
  ),
];
