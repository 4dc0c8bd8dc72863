import { generator } from "../simulation/random.ts";
import { catalogue } from "./catalogue.ts";
import type { Fault, Schedule, Step } from "./schedule.ts";
import { describeFault, directions, links, machines, nodes } from "./schedule.ts";

/** The same schedules for the same seed: two of the catalogue in a drawn order, then one put together by chance, and so on. */
export function schedules(seed: number, count: number): Schedule[] {
  const random = generator(seed);
  const known = shuffled(catalogue(random), random);
  return Array.from({ length: count }, (_, i) => {
    const next = i % 3 === 2 ? undefined : known.pop();
    return next ?? randomSchedule(i + 1, generator(seed * 1_000_003 + i));
  });
}

const mostSteps = 5;
const latestStartMs = 12_000;
const longestMs = 12_000;

/** Failures that may overlap in any way: the site may stop, and must lose nothing and come back. */
export function randomSchedule(number: number, random: () => number): Schedule {
  const count = 1 + Math.floor(random() * mostSteps);
  const steps: Step[] = Array.from({ length: count }, () => ({
    atMs: Math.floor(random() * latestStartMs),
    forMs: 200 + Math.floor(random() * longestMs),
    fault: randomFault(random),
  }));
  steps.sort((a, b) => a.atMs - b.atMs);
  const name = `random ${number}: ${steps.map(({ fault }) => describeFault(fault)).join("; ")}`;
  return { family: "random", name, steps };
}

type Draw = <T>(of: readonly T[]) => T;

/** Weighed by how much of the protocol each one exercises. */
const kinds: readonly { weight: number; fault: (draw: Draw, random: () => number) => Fault }[] = [
  { weight: 6, fault: (draw) => ({ kind: "power", where: draw(machines) }) },
  {
    weight: 6,
    fault: (draw) => ({
      kind: "cut",
      where: draw(links),
      direction: draw(directions),
      net: "all",
    }),
  },
  {
    weight: 2,
    fault: (draw) => ({ kind: "cut", where: "n1-n2", direction: draw(directions), net: "backend" }),
  },
  {
    weight: 3,
    fault: (draw, random) => ({ kind: "flap", where: draw(links), periodMs: 200 + Math.floor(random() * 2800) }),
  },
  {
    weight: 3,
    fault: (draw) => ({
      kind: "impair",
      where: draw(links),
      direction: draw(directions),
      ...draw([
        { how: "loss", amount: 30 },
        { how: "delay", amount: 200 },
        { how: "delay", amount: 1000 },
        { how: "duplicate", amount: 100 },
      ] as const),
    }),
  },
  { weight: 4, fault: (draw) => ({ kind: "pause", where: draw(machines) }) },
  {
    weight: 4,
    fault: (draw) => ({
      kind: "signal",
      where: draw(nodes),
      program: draw(["etcd", "T", "agent"] as const),
      signal: draw(["KILL", "STOP"] as const),
    }),
  },
  {
    weight: 1,
    fault: (draw) => ({ kind: "signal", where: "w", program: "nginx", signal: draw(["KILL", "STOP"] as const) }),
  },
  { weight: 2, fault: (draw) => ({ kind: "witness", how: draw(["error 500", "disk full", "tree lost"] as const) }) },
  {
    weight: 1,
    fault: (draw) => ({ kind: "disk", where: draw(nodes), disk: draw(["etcd", "T"] as const), how: "slow" }),
  },
  {
    weight: 1,
    fault: (draw) => ({ kind: "clock", where: draw(machines), shiftMs: draw([3_600_000, -3_600_000]) }),
  },
];

function randomFault(random: () => number): Fault {
  const draw: Draw = (of) => {
    const drawn = of[Math.floor(random() * of.length)];
    if (drawn === undefined) throw new Error("nothing to draw from");
    return drawn;
  };
  let point = random() * kinds.reduce((sum, { weight }) => sum + weight, 0);
  const kind = kinds.find(({ weight }) => {
    point -= weight;
    return point < 0;
  });
  return (kind ?? draw(kinds)).fault(draw, random);
}

function shuffled<T>(items: T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
