import type { Lab } from "../../lab/lab.ts";
import type { FaultOf, Machine } from "../schedule.ts";
import { answering, type Bench, type Heal } from "./fault.ts";
import { waysOf } from "./network.ts";

interface Impairment {
  to: Machine;
  how: FaultOf<"impair">["how"];
  amount: number;
}

/** Room for everything that is sent during a delay of half a minute. */
const queued = 100_000;

/**
 * What a machine sends to another is lost, late or doubled: netem in the sending machine, since the lab's own kernel need not
 * have it. It ends with the machine's power.
 */
export class Impairments {
  private readonly active = new Map<Machine, Impairment[]>();

  of(from: Machine): Impairment[] {
    const list = this.active.get(from) ?? [];
    this.active.set(from, list);
    return list;
  }
}

export async function impair(bench: Bench, { where, direction, how, amount }: FaultOf<"impair">): Promise<Heal> {
  const heals: Heal[] = [];
  for (const [from, to] of waysOf(where, direction)) {
    answering(bench, from);
    const list = bench.impairments.of(from);
    const one = { to, how, amount };
    list.push(one);
    const without = () => list.splice(list.indexOf(one), 1);
    await apply(bench, from).catch((error) => {
      without();
      throw error;
    });
    heals.push(async () => {
      without();
      if (!bench.power.whyDeaf(from)) await apply(bench, from);
    });
  }
  return async () => {
    for (const heal of heals) await heal();
  };
}

async function apply({ lab, impairments }: Bench, from: Machine): Promise<void> {
  const script = ["frontend", "backend"].flatMap((net, i) =>
    commandsFor(`vec${i}`, targetsOf(lab, impairments.of(from), net as "frontend" | "backend")),
  );
  await lab.guest(from).run(`{ ${script.join("; ")}; } 2>&1`, { timeoutMs: 20_000 });
}

/** netem's words by the address that they are for; of two of a kind the later one counts. */
function targetsOf(lab: Lab, list: readonly Impairment[], net: "frontend" | "backend"): Map<string, string[]> {
  const targets = new Map<string, Map<string, string>>();
  for (const { to, how, amount } of list) {
    const address = lab.guest(to).spec[net];
    if (address === undefined) continue;
    const words = targets.get(address) ?? new Map<string, string>();
    targets.set(address, words.set(how, how === "delay" ? `${amount}ms` : `${amount}%`));
  }
  return new Map([...targets].map(([address, words]) => [address, [...words].flat()]));
}

/** The shell commands that make just this of an interface; whatever was there before goes. */
export function commandsFor(device: string, targets: ReadonlyMap<string, readonly string[]>): string[] {
  const commands = [`tc qdisc del dev ${device} root 2>/dev/null || true`];
  if (targets.size === 0) return commands;
  // All else takes the first band.
  const map = Array(16).fill(0).join(" ");
  commands.push(`tc qdisc add dev ${device} root handle 1: prio bands ${targets.size + 1} priomap ${map}`);
  [...targets].forEach(([address, words], i) => {
    const band = `1:${i + 2}`;
    commands.push(`tc qdisc add dev ${device} parent ${band} netem limit ${queued} ${words.join(" ")}`);
    commands.push(
      `tc filter add dev ${device} parent 1: protocol ip prio 1 u32 match ip dst ${address}/32 flowid ${band}`,
    );
  });
  return commands.map((command, i) => (i === 0 ? command : `${command} || exit 1`));
}
