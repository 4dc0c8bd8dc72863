import { type Fault, type Schedule, type Step, singleFailureMs } from "./schedule.ts";

/** The schedules of `npm test`: for each kind of failure the one that exercises most of the protocol. */

const at = (atMs: number, forMs: number, fault: Fault): Step => ({ atMs, forMs, fault });
const one = (name: string, ...steps: Step[]): Schedule => ({ family: "fixed", name, steps });
const survived = (name: string, ...steps: Step[]): Schedule => ({
  ...one(name, ...steps),
  gapLimitMs: singleFailureMs,
});

export const fixed: readonly Schedule[] = [
  survived(
    "node one's power cut, and node two's agent killed before its claim is answered",
    at(0, 15_000, { kind: "race", where: "n2", point: "after move", act: "kill" }),
    at(1000, 3000, { kind: "power", where: "n1" }),
  ),
  survived("node two's power cut", at(1234, 3000, { kind: "power", where: "n2" })),
  one(
    "the hand-over loses node two's power between T's end and the demotion",
    at(0, 25_000, { kind: "race", where: "n2", point: "after stopT", act: "power" }),
    at(1000, 2000, { kind: "power", where: "n1" }),
  ),
  survived("node two hears node one, node one does not hear node two", at(1000, 5000, cut("n1-n2", "back"))),
  one(
    "the holder is cut from its sibling and from the witness, and loses",
    at(1000, 6000, cut("n1-n2", "both")),
    at(1000, 6000, cut("n1-w", "both")),
  ),
  one("the link flaps", at(1000, 8000, { kind: "flap", where: "n1-n2", periodMs: 500 })),
  survived("a third of all packets is lost", at(500, 6000, impaired("loss", 30))),
  survived("node one stands still for longer than H", at(1000, 7000, { kind: "pause", where: "n1" })),
  survived("T stands still", at(1000, 6000, { kind: "signal", where: "n1", program: "T", signal: "STOP" })),
  survived(
    "requests to the witness come 400 ms late, and node one dies",
    at(500, 8000, { kind: "impair", where: "n1-w", direction: "there", how: "delay", amount: 400 }),
    at(500, 8000, { kind: "impair", where: "n2-w", direction: "there", how: "delay", amount: 400 }),
    at(2000, 4000, { kind: "power", where: "n1" }),
  ),
  one(
    "the witness loses its tree, and node two dies",
    at(500, 1000, { kind: "witness", how: "tree lost" }),
    at(2500, 3000, { kind: "power", where: "n2" }),
  ),
  survived("the disk under T breaks", at(1000, 4000, { kind: "disk", where: "n1", disk: "T", how: "error" })),
  survived(
    "fsync takes 100 ms on node two, whose clock jumps an hour back",
    at(500, 5000, { kind: "disk", where: "n2", disk: "etcd", how: "slow" }),
    at(1000, 4500, { kind: "clock", where: "n2", shiftMs: -3_600_000 }),
  ),
  one(
    "all three machines lose power at once",
    at(1000, 2000, { kind: "power", where: "n1" }),
    at(1000, 2000, { kind: "power", where: "n2" }),
    at(1000, 2000, { kind: "power", where: "w" }),
  ),
];

function cut(where: "n1-n2" | "n1-w", direction: "both" | "back"): Fault {
  return { kind: "cut", where, direction, net: "all" };
}

function impaired(how: "loss", amount: number): Fault {
  return { kind: "impair", where: "n1-n2", direction: "both", how, amount };
}
