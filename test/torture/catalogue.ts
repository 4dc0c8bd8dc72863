import type { RacePoint, Schedule, Step } from "./schedule.ts";
import { directions, type Fault, type Link, links, machines, nodes, singleFailureMs } from "./schedule.ts";

/** Everything that is tried in its own right, as opposed to what a seed puts together. */
export function catalogue(random: () => number): Schedule[] {
  return [
    ...powerCuts(random),
    ...cuts(),
    ...pairsOfCuts(random),
    ...impairments(),
    ...pauses(),
    ...pausesOfLeaders(),
    ...signals(),
    ...races(),
    ...witnessFaults(),
    ...diskFaults(),
    ...clockJumps(),
    ...flaps(),
    ...manyMachines(),
  ];
}

/** The one of this name, or else those of this family, or else those with this in their name. @throws if there is none */
export function named(all: readonly Schedule[], text: string): readonly Schedule[] {
  const ways = [
    (one: Schedule) => one.name === text,
    (one: Schedule) => one.family === text,
    (one: Schedule) => one.name.includes(text),
  ];
  const found = ways.map((fits) => all.filter(fits)).find((some) => some.length > 0);
  if (!found) throw new Error(`no schedule of the catalogue has "${text}" as its name or family, or in its name`);
  return found;
}

/** A single failure begins when the load has run for so long. */
const firstMs = 2000;

function single(family: string, name: string, forMs: number, fault: Fault, limited = true): Schedule {
  const steps = [{ atMs: firstMs, forMs, fault }];
  return { family, name, steps, ...(limited && { gapLimitMs: singleFailureMs }) };
}

function upTo(random: () => number, limit: number): number {
  return Math.floor(random() * limit);
}

/** At any moment of the load: between two writes, in one, in a heartbeat, in a poll. */
function powerCuts(random: () => number): Schedule[] {
  return machines.flatMap((where) =>
    Array.from({ length: 20 }, (_, i) => ({
      family: `power cut of ${where}`,
      name: `power cut of ${where} ${i + 1}`,
      steps: [{ atMs: 1000 + upTo(random, 4000), forMs: 1000 + upTo(random, 9000), fault: { kind: "power", where } }],
      gapLimitMs: singleFailureMs,
    })),
  );
}

const cutFaults: readonly Extract<Fault, { kind: "cut" }>[] = links.flatMap((where) =>
  directions.map((direction) => ({ kind: "cut", where, direction, net: "all" }) as const),
);

function cuts(): Schedule[] {
  const backend = directions.map((direction) => ({ kind: "cut", where: "n1-n2", direction, net: "backend" }) as const);
  return [...cutFaults, ...backend].map((fault) =>
    single("cut", `${fault.where} cut, ${fault.direction}, ${fault.net}`, 8000, fault),
  );
}

function pairsOfCuts(random: () => number): Schedule[] {
  const pairs = cutFaults.flatMap((first, i) => cutFaults.slice(i + 1).map((second) => [first, second] as const));
  return pairs.map(([first, second]) => ({
    family: "two cuts",
    name: `${first.where} ${first.direction} and ${second.where} ${second.direction}`,
    steps: [
      { atMs: firstMs, forMs: 4000 + upTo(random, 6000), fault: first },
      { atMs: firstMs + upTo(random, 4000), forMs: 4000 + upTo(random, 6000), fault: second },
    ],
  }));
}

function impairments(): Schedule[] {
  const kinds = [
    { how: "loss", amount: 30 },
    { how: "delay", amount: 200 },
    { how: "duplicate", amount: 100 },
  ] as const;
  return links.flatMap((where) =>
    kinds.map(({ how, amount }) =>
      single("impaired link", `${where} ${how}`, 10_000, { kind: "impair", where, direction: "both", how, amount }),
    ),
  );
}

function pauses(): Schedule[] {
  return machines.flatMap((where) =>
    [1, 5, 30].map((seconds) =>
      single("pause", `${where} paused ${seconds} s`, seconds * 1000, { kind: "pause", where }),
    ),
  );
}

/** A holder that leads and stands still may wake up and answer from the past: the one window that the protocol names. */
function pausesOfLeaders(): Schedule[] {
  const family = "pause of a leader beside T";
  // E1 or T is elected meanwhile, and E2 goes on with T when node one has stood still for a second.
  const electOnOne: Step = {
    atMs: firstMs,
    forMs: 8000,
    fault: { kind: "signal", where: "n2", program: "etcd", signal: "STOP" },
  };
  const paused = [1, 5, 30].map((seconds) => ({
    family,
    name: `n1 leads and stands still for ${seconds} s`,
    steps: [
      electOnOne,
      {
        atMs: firstMs + 7000,
        forMs: seconds * 1000,
        fault: { kind: "pause", where: "n1", leading: true },
      } satisfies Step,
    ],
  }));
  // The trap holds node two in the state between its takeover and the hand-over, which is over in a moment otherwise.
  const trap: Step = {
    atMs: 0,
    forMs: 70_000,
    fault: { kind: "race", where: "n2", point: "before stopT", act: "stop" },
  };
  const death: Step = { atMs: firstMs, forMs: 3000, fault: { kind: "power", where: "n1" } };
  const pause: Step = { atMs: 30_000, forMs: 30_000, fault: { kind: "pause", where: "n2", leading: true } };
  return [
    ...paused,
    { family, name: "n2 has taken over, leads, and stands still for 30 s", steps: [trap, death, pause] },
  ];
}

function signals(): Schedule[] {
  const programs = [
    ...nodes.flatMap((where) => [{ where, program: "etcd" } as const, { where, program: "agent" } as const]),
    { where: "n1", program: "T" },
    { where: "w", program: "nginx" },
  ] as const;
  return programs.flatMap(({ where, program }) =>
    (["KILL", "STOP"] as const).map((signal) =>
      single("signal", `SIG${signal} to ${program} of ${where}`, 8000, { kind: "signal", where, program, signal }),
    ),
  );
}

/** What an agent comes through when its sibling dies and returns, in this order; hand-overs at the end. */
const takeover = ["disconnect", "closeDoor", "takeVolume", "startT", "openDoor", "connect"];
const requests = ["stage", "move", "release", "collect"];
const handOver = ["moveLeader", "stopT", "releaseVolume"];

function races(): Schedule[] {
  const around = (names: readonly string[]) =>
    names.flatMap((name) => [`before ${name}`, `after ${name}`] as RacePoint[]);
  const asked = requests.flatMap((verb) => [`before ${verb}`, `after ${verb}`, `answered ${verb}`] as RacePoint[]);
  const decisions = around(["note", "verdict", "reply"]);
  const ofTwo = [...around([...takeover, ...handOver]), ...asked, ...decisions, ...around(["rearm"])];
  // Node one keeps the volume when its sibling dies, and gets it back after its own death.
  const ofOne = [...around(["disconnect", "closeDoor", "openDoor", "connect", "moveLeader"]), ...asked, ...decisions];
  const atReturn = around(["takeVolume", "startT", "rearm"]);
  return [
    ...ofTwo.map((point) => race("n2", "n1", point, "kill")),
    ...ofOne.map((point) => race("n1", "n2", point, "kill")),
    ...atReturn.map((point) => race("n1", "n1", point, "kill")),
    ...around(handOver).map((point) => race("n2", "n1", point, "power")),
    ...around(["takeVolume", "startT"]).map((point) => race("n1", "n1", point, "power")),
    ...around(["takeVolume", "startT", "connect"]).map((point) => race("n2", "n1", point, "stop")),
  ];
}

/** The agent of `where` is caught at a point of what follows from the death and return of `dies`. */
function race(
  where: "n1" | "n2",
  dies: "n1" | "n2",
  point: RacePoint,
  act: Extract<Fault, { kind: "race" }>["act"],
): Schedule {
  const death: Step = { atMs: firstMs, forMs: 5000, fault: { kind: "power", where: dies } };
  // A trap on the machine that dies is set when it is back.
  const trapMs = where === dies ? firstMs + 5000 : 0;
  // A hand-over comes half a minute after the death; a trap ends with what it catches, an agent that stands still does not.
  const trap: Step = {
    atMs: trapMs,
    forMs: act === "stop" ? 20_000 : 60_000,
    fault: { kind: "race", where, point, act },
  };
  return { family: "race", name: `${where} ${point}, ${act}, ${dies} dies`, steps: [trap, death] };
}

function witnessFaults(): Schedule[] {
  const links: Link[] = ["n1-w", "n2-w"];
  const slow = [1000, 5000, 30_000].flatMap((amount) =>
    // "there" delays the requests, which then run late, "back" the answers.
    (["there", "back"] as const).map((direction) => ({
      name: `witness slow, ${amount} ms ${direction}`,
      faults: links.map((where) => ({ kind: "impair", where, direction, how: "delay", amount }) as const),
    })),
  );
  const broken = (["error 500", "expired certificate", "disk full", "tree lost"] as const).map((how) => ({
    name: `witness: ${how}`,
    faults: [{ kind: "witness", how } as const],
  }));
  return [...slow, ...broken].flatMap(({ name, faults }) => {
    const steps: Step[] = faults.map((fault) => ({ atMs: firstMs, forMs: 15_000, fault }));
    const dies = (where: "n1" | "n2"): Step => ({ atMs: firstMs + 4000, forMs: 6000, fault: { kind: "power", where } });
    return [
      { family: "witness", name, steps, gapLimitMs: singleFailureMs },
      ...nodes.map((where) => ({
        family: "witness",
        name: `${name}, and ${where} dies`,
        steps: [...steps, dies(where)],
      })),
    ];
  });
}

function diskFaults(): Schedule[] {
  const kinds = [
    ...(["etcd", "T"] as const).flatMap((disk) => (["full", "error", "slow"] as const).map((how) => ({ disk, how }))),
    { disk: "root", how: "full" },
  ] as const;
  return nodes.flatMap((where) =>
    // A full volume fills on the node that has it mounted.
    kinds
      .filter(({ disk, how }) => !(disk === "T" && how === "full" && where === "n2"))
      .map(({ disk, how }) =>
        single("disk", `${disk} disk of ${where} ${how}`, 10_000, { kind: "disk", where, disk, how }),
      ),
  );
}

function clockJumps(): Schedule[] {
  return machines.flatMap((where) =>
    [3_600_000, -3_600_000].map((shiftMs) =>
      single("clock", `clock of ${where} ${shiftMs > 0 ? "forward" : "back"}`, 8000, { kind: "clock", where, shiftMs }),
    ),
  );
}

function flaps(): Schedule[] {
  return links.flatMap((where) =>
    [200, 500, 1000, 2000, 3000].map((periodMs) =>
      single(
        "flap",
        `${where} flaps every ${periodMs} ms`,
        15_000,
        { kind: "flap", where, periodMs },
        where !== "n1-n2",
      ),
    ),
  );
}

function manyMachines(): Schedule[] {
  const off = (where: (typeof machines)[number], atMs: number, forMs: number): Step => ({
    atMs,
    forMs,
    fault: { kind: "power", where },
  });
  const orders = machines.flatMap((a) =>
    machines.filter((b) => b !== a).map((b) => [a, b, machines.find((c) => c !== a && c !== b) ?? "w"] as const),
  );
  return [
    { family: "dead office", name: "dead office", steps: machines.map((where) => off(where, firstMs, 3000)) },
    {
      family: "dead office",
      name: "dead office, the witness last",
      steps: [off("n1", firstMs, 3000), off("n2", firstMs, 3000), off("w", firstMs, 20_000)],
    },
    ...orders.map((order) => ({
      family: "one after the other",
      name: `${order.join(", ")}, each back before the next`,
      steps: order.map((where, i) => off(where, firstMs + 9000 * i, 6000)),
    })),
    ...orders.map((order) => ({
      family: "one after the other",
      name: `${order.join(", ")} die, and return in this order`,
      steps: order.map((where, i) => off(where, firstMs + 4000 * i, 12_000)),
    })),
    ...machines.map((where) => single("replacement", `${where} replaced`, 1000, { kind: "replace", where })),
    {
      family: "rolling restart",
      name: "20 restarts in short order",
      steps: [{ atMs: firstMs, forMs: 1000, fault: { kind: "rolling restart", times: 20 } }],
    },
  ];
}
