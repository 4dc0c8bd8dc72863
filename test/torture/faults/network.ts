import { setTimeout as sleep } from "node:timers/promises";
import type { Direction, FaultOf, Link, Machine } from "../schedule.ts";
import type { Bench, Heal } from "./fault.ts";

/** Several faults may cut the same way: the last to heal heals it. */
async function cutOne({ lab, cuts }: Bench, from: Machine, to: Machine, net: "frontend" | "backend"): Promise<Heal> {
  const name = `${from} ${to} ${net}`;
  cuts.set(name, (cuts.get(name) ?? 0) + 1);
  await lab.cut(from, to, { net, direction: "forward" });
  return async () => {
    const left = (cuts.get(name) ?? 0) - 1;
    cuts.set(name, left);
    if (left === 0) await lab.heal(from, to, { net, direction: "forward" });
  };
}

export function waysOf(link: Link, direction: Direction): [Machine, Machine][] {
  const [a, b] = link.split("-") as [Machine, Machine];
  const ways: [Machine, Machine][] = [];
  if (direction !== "back") ways.push([a, b]);
  if (direction !== "there") ways.push([b, a]);
  return ways;
}

export async function cutLink(bench: Bench, { where, direction, net }: Omit<FaultOf<"cut">, "kind">): Promise<Heal> {
  const heals: Heal[] = [];
  const nets = where === "n1-n2" ? (["backend", "frontend"] as const) : (["frontend"] as const);
  for (const [from, to] of waysOf(where, direction))
    for (const one of nets) if (net === "all" || net === one) heals.push(await cutOne(bench, from, to, one));
  return async () => {
    for (const heal of heals) await heal();
  };
}

export async function flap(bench: Bench, { where, periodMs }: FaultOf<"flap">): Promise<Heal> {
  let over = false;
  const turns = (async () => {
    while (!over) {
      const heal = await cutLink(bench, { where, direction: "both", net: "all" });
      await sleep(periodMs);
      await heal();
      await sleep(periodMs);
    }
  })();
  return () => {
    over = true;
    return turns;
  };
}
