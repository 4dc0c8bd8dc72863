import { describe, expect, test } from "vitest";
import { RULES } from "../../components/arbiter/agent/rules.ts";
import type { Disk } from "../../components/arbiter/agent/world.ts";
import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";
import { mayWrite } from "./etcd.ts";
import { explore } from "./explore.ts";
import { ending, NEW_TREE, SCHEDULES, SECOND_WINS, STALE_READ } from "./scenarios.ts";
import { play, protectedSite, runFairly, siteAtRest } from "./schedule.ts";
import { goesOn, survives } from "./site.ts";
import { APART, harmless } from "./waivers.ts";
import { type Defect, type SimWorld, type Twist, Violation } from "./world.ts";

const rest = siteAtRest(AS_SHIPPED);

const twisted = (twist: Twist): Setup => ({ ...AS_SHIPPED, twist });
const without = (...defects: Defect[]): Setup => twisted({ without: defects });
const promises = (...defects: Defect[]): Setup => ({ ...PROMISES, twist: { without: defects } });

/** The schedule is harmless as shipped, and is not with this part left out. */
function breaksOnly(labels: readonly string[], setup: Setup, what: RegExp): void {
  expect(ending(labels, AS_SHIPPED)).toBeNull();
  expect(ending(labels, setup)).toMatch(what);
}

function found(setup: Setup, faults: number): string | undefined {
  return explore(siteAtRest(PROMISES), setup, {
    faults,
    late: 0,
    order: "paced",
    kinds: "all",
    progress: false,
    ms: 60_000,
  }).violation?.what;
}

const together = (w: SimWorld): SimWorld => runFairly(w, AS_SHIPPED, (x) => protectedSite(x, AS_SHIPPED)).world;

const LACKS = /lacks an acknowledged write/;

const EXPLORING_MS = 90_000;

describe("lock 1: DRBD freezes first", () => {
  test("a Primary that goes on without the freeze is found out", () => {
    expect(found(promises("freeze"), 1)).toMatch(LACKS);
  });
});

describe("trace 1: the link is cut between the two ends of a resync", () => {
  test(
    "a target that is not disarmed is found out",
    () => {
      expect(found(promises("disarm"), 2)).toMatch(LACKS);
    },
    EXPLORING_MS,
  );
});

describe("trace 2: a frozen Primary and a rebooted, Consistent sibling", () => {
  const labels = ["the witness is down", "n2 loses power", "n1: DRBD notices", "n2 boots", "n2: timer connecting"];

  test("a node that takes a rebooted copy for one that never left lets DRBD complete the writes", () => {
    const setup = twisted({
      hello: (hello) => {
        if (hello.role === "Primary" && hello.frozen) return { ...hello, frozen: false, peerDisk: "Outdated" };
        return hello.disk === "Consistent" ? { ...hello, disk: "UpToDate", fresh: false } : hello;
      },
    });
    expect(ending(labels.slice(0, 4), AS_SHIPPED)).toBeNull();
    const met = play(rest, setup, [...labels.slice(0, 4), "DRBD's ends find"]);
    expect(met.nodes[1].misses).toBe(true);
    expect(() => goesOn(play(met, setup, ["the witness is back", "n1 loses power"]), setup)).toThrow(LACKS);
  });
});

describe("traces 3, 13 and 16: a new incarnation of the witness", () => {
  const labels = NEW_TREE;

  test("a node that adopts the new tree alone wins there what its sibling won in the old one", () => {
    const alone = twisted({ hello: (hello, asker) => ({ ...hello, nothingBut: asker.nothingBut }) });
    breaksOnly(labels, alone, LACKS);
  });

  test("an answer about the tree before does not count for the newest", () => {
    const any = twisted({
      hello: (hello, asker) => (hello.nothingBut === null ? hello : { ...hello, nothingBut: asker.nothingBut }),
    });
    const adopted = ["the witness restarts", "n1: the witness answers the stage", "n2: the witness answers the stage"];
    breaksOnly([...adopted, ...labels], any, LACKS);
  });
});

describe("trace 4: storage that goes back in time", () => {
  test(
    "a witness that keeps its folder and loses its claims is found out",
    () => {
      expect(found(promises("sticky claims"), 2)).toMatch(LACKS);
    },
    EXPLORING_MS,
  );
});

describe("trace 5: a verdict of an older loss", () => {
  test("a thaw that nobody asked for again is found out", () => {
    const setup = without("a new question for a new loss");
    // Won and not yet taken by the kernel when the link comes back; released; then the next loss.
    const labels = [
      "DRBD's connection breaks",
      "n1: DRBD notices",
      "n2: DRBD notices",
      "n1: the agent reads",
      "n1: the handler asks",
      "n1: the witness answers the move",
      "DRBD's ends find",
      "n1: the agent reads",
      "n1: the witness answers the move",
      "n1: the witness answers the owner",
      "n1: the witness answers the release",
    ];
    const released = play(rest, setup, labels);
    expect(released.nodes[0].handler).toBe("won");
    const second = ["n1: the agent is slow", "DRBD's connection breaks", "n1: DRBD notices", "n1: the kernel takes"];
    const other = ["n2: DRBD notices", "n2: the sibling seems silent", "n2: takeVolume, answered won"];
    expect(() => play(released, setup, [...second, ...other])).toThrow(LACKS);
  });
});

describe("trace 6: a SyncTarget is never promoted", () => {
  test("a node that takes half a copy for a whole one is found out", () => {
    const setup = twisted({
      local: (local) =>
        local.volume.sync === "target"
          ? {
              ...local,
              disarmed: [],
              volume: { ...local.volume, disk: "UpToDate", peerDisk: "UpToDate", sync: "none" },
            }
          : local,
    });
    const labels = ["n1 loses power", "n2: startT", "n2 loses power", "n1 boots", "n2 boots", "n1: takeVolume"];
    breaksOnly(labels, setup, LACKS);
  });
});

describe("trace 7: reads", () => {
  const labels = STALE_READ;
  const gateOpen = (...defects: Defect[]): Setup => ({
    ...without(...defects),
    rules: RULES.map((rule) => ({ ...rule, when: (s) => rule.when({ ...s, gatePassed: true }) })),
  });

  test("short election timeouts and no start gate give a stale read", () => {
    breaksOnly(labels, gateOpen("long election timeouts"), /stale read/);
  });
  test("either of them alone is enough to prevent it", () => {
    expect(ending(labels, gateOpen())).toBeNull();
    expect(ending(labels, without("long election timeouts"))).toBeNull();
  });
});

describe("trace 8: a claim that nobody remembers", () => {
  const lost = ["DRBD's connection breaks", "is carried out, its answer is lost", "DRBD's ends find"];

  test("a lost answer does not cost the next failover", () => {
    const w = together(play(rest, AS_SHIPPED, lost));
    expect(survives(w, AS_SHIPPED, "n1 loses power")).toBeNull();
  });
  test("without a note of the intent it does", () => {
    const setup = twisted({ notes: (notes) => ({ ...notes, intents: [] }) });
    const w = runFairly(play(rest, setup, lost), setup, (x) => protectedSite(x, setup)).world;
    expect(survives(w, setup, "n1 loses power")).toMatch(/does not go on/);
  });
  test("a winner that crashes before it thaws comes back, and the claim is released", () => {
    const labels = ["DRBD's connection breaks", "n1: the witness answers the move", "n1 loses power"];
    const w = together(play(rest, AS_SHIPPED, labels));
    expect(survives(w, AS_SHIPPED, "n1 loses power")).toBeNull();
  });
});

describe("trace 9: the loser", () => {
  test("a loser that resumes its I/O is found out", () => {
    breaksOnly(
      [...SECOND_WINS, "n1: the agent goes on"],
      without("reboot of the loser"),
      /both nodes have gone on from one generation/,
    );
  });
});

describe("trace 10: a frozen loser and a wiped witness", () => {
  test("it learns from the generation that its sibling left, and from nothing else", () => {
    const labels = [...SECOND_WINS, "the witness restarts", "n1: the agent goes on"];
    breaksOnly(labels, twisted({ hello: (hello) => ({ ...hello, left: null }) }), /does not come back/);
  });
});

describe("trace 12: a claim without an owner", () => {
  test("is undecided for ever and nobody passes it by", () => {
    const setup = twisted({
      answer: (answer, request) => {
        if (request.verb === "move") return { status: 412, body: "" };
        return request.verb === "owner" ? { status: 404, body: "" } : answer;
      },
    });
    expect(survives(rest, setup, "n1 loses power")).toMatch(/does not go on/);
    expect(survives(rest, AS_SHIPPED, "n1 loses power")).toBeNull();
  });
});

describe("trace 14: something connects a rebooted node without a handshake", () => {
  test("is found out", () => {
    const labels = ["the witness is down", "n2 loses power", "n1: DRBD notices", "n2 boots"];
    expect(ending(labels, AS_SHIPPED)).toBeNull();
    const setup = without("standing alone at boot");
    const met = play(rest, setup, [...labels, "DRBD's ends find"]);
    expect(() => goesOn(play(met, setup, ["the witness is back", "n1 loses power"]), setup)).toThrow(LACKS);
  });
});

describe("trace 15: the agent restarts while the handler asks", () => {
  const labels = ["n2 loses power", "n1: the handler asks", "n1: the agent dies"];
  test("the handler asks the new one", () => {
    expect(goesOn(play(rest, AS_SHIPPED, labels), AS_SHIPPED)).toBeNull();
  });
  test("a handler that gives up leaves T frozen", () => {
    const setup = without("asking again after an agent restart");
    expect(goesOn(play(rest, setup, labels), setup)).toMatch(/does not go on/);
  });
});

describe("trace 17: a waiver", () => {
  function breaks(labels: readonly string[], twist: Twist): void {
    expect(harmless(labels, AS_SHIPPED)).toBeNull();
    expect(() => harmless(labels, twisted(twist))).toThrow(Violation);
  }

  test("that is given up while DRBD is apart lets both go on", () => {
    breaks(APART["17, the agents talk while DRBD is apart"], { hello: (hello) => ({ ...hello, waiver: "returned" }) });
  });
  test("does not outweigh a claim that was won before, if nobody remembers the promise", () => {
    breaks(APART["17, a claim that was won before the promise"], { notes: (notes) => ({ ...notes, waived: null }) });
  });
});

describe("trace 18: won without knowing, lost without reason, a new witness", () => {
  test("the frozen node is let go and both meet as equals", () => {
    expect(ending(SCHEDULES["18"], AS_SHIPPED)).toBeNull();
  });
});

describe("trace 19: a sibling that answered at boot and died", () => {
  test("holds nobody back", () => {
    expect(goesOn(play(rest, AS_SHIPPED, SCHEDULES["19"]), AS_SHIPPED)).toBeNull();
  });
});

describe("trace 20: T on an unmounted folder", () => {
  test("is found out when neither agent nor unit looks at the mount", () => {
    const rules = RULES.filter((rule) => !rule.reason.includes("not mounted"));
    const setup: Setup = {
      ...without("mount guard"),
      rules,
    };
    const blind: Setup = {
      ...setup,
      twist: { ...setup.twist, local: (local) => ({ ...local, mounted: local.volume.role === "Primary" }) },
    };
    const w = play(rest, AS_SHIPPED, ["n1 loses power", "n2: takeVolume, answered won"]);
    const unmounted: SimWorld = { ...w, nodes: [w.nodes[0], { ...w.nodes[1], mounted: false }] };
    expect(() => goesOn(unmounted, blind)).toThrow("T starts on an unmounted folder");
    const safe = runFairly(
      unmounted,
      AS_SHIPPED,
      (x) => mayWrite(x, 1),
      (move) => !move.label.endsWith("boots"),
    );
    expect(safe.world.nodes[1].mounted).toBe(true);
  });
});

describe("trace 21: a disk that failed answers again after a reboot", () => {
  const labels = ["n2: the disk fails", "n2: the operator restarts it", "n1 loses power", "n2 boots"];

  test("the node waits for its sibling, which went on without it", () => {
    expect(ending(labels, AS_SHIPPED)).toBeNull();
    expect(goesOn(play(rest, AS_SHIPPED, labels), AS_SHIPPED)).toMatch(/does not go on/);
  });
  test("without a note of the failure it claims the generation that it had, which nobody owns", () => {
    const setup = twisted({ notes: (notes) => ({ ...notes, diskFailed: false }) });
    expect(() => goesOn(play(rest, setup, labels), setup)).toThrow(LACKS);
  });
});

describe("trace 22: an old copy meets a sibling that has lost its disk", () => {
  const alone = ["n2 loses power", `n1: the kernel takes the handler's "won"`, "n1 loses power"];
  const labels = [...alone, "n1 boots", "n1: the agent starts", "n1: the disk fails", "n2 boots"];

  test("the old copy waits for the disk", () => {
    expect(ending(labels, AS_SHIPPED)).toBeNull();
    expect(goesOn(play(rest, AS_SHIPPED, labels), AS_SHIPPED)).toMatch(/does not go on/);
  });
  const met = [...alone, "n1 boots", "n2 boots", "n1: connect", "n1: the disk fails"];

  test("a disk that fails after the handshake is no different", () => {
    expect(goesOn(play(rest, AS_SHIPPED, met), AS_SHIPPED)).toMatch(/does not go on/);
  });
  test("a node that does not look for its sibling's disk goes on with the old copy", () => {
    const whole = (disk: Disk): Disk => (disk === "Diskless" ? "UpToDate" : disk);
    const setup = twisted({
      local: (local) => ({ ...local, volume: { ...local.volume, peerDisk: whole(local.volume.peerDisk) } }),
    });
    expect(() => goesOn(play(rest, setup, met), setup)).toThrow(LACKS);
  });
  test("a copy whose claim is free goes on beside a sibling without a disk", () => {
    const both = [
      "n1 loses power",
      "n2 loses power",
      "n1 boots",
      "n1: the agent starts",
      "n1: the disk fails",
      "n2 boots",
    ];
    expect(goesOn(play(rest, AS_SHIPPED, both), AS_SHIPPED)).toBeNull();
  });
});

test("half a copy starts no generation for a Primary that has lost its disk", () => {
  const half = ["n1: the sibling is silent", "n1: the handler asks", "the backend carries again", "DRBD's ends find"];
  const lost = [
    "n1: the disk fails",
    "DRBD's connection breaks",
    "n1: DRBD notices",
    "n2: DRBD notices",
    "DRBD's ends find",
  ];
  expect(ending(["the backend is cut", ...half, ...lost, "n1: the operator restarts it"], AS_SHIPPED)).toBeNull();
});
