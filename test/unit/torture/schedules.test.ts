import { describe, expect, it } from "vitest";
import { generator } from "../../simulation/random.ts";
import { catalogue, named } from "../../torture/catalogue.ts";
import { randomSchedule, schedules } from "../../torture/generate.ts";
import { describeFault, type Fault, lengthMs, links, machines, nodes } from "../../torture/schedule.ts";

const all = catalogue(generator(1));
const faults = all.flatMap(({ steps }) => steps.map(({ fault }) => fault));
const ofKind = <K extends Fault["kind"]>(kind: K) =>
  faults.filter((fault): fault is Extract<Fault, { kind: K }> => fault.kind === kind);
const family = (name: string) => all.filter((one) => one.family === name);

describe("the catalogue", () => {
  it("has no two schedules of one name", () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  });

  it("cuts each machine's power at twenty moments that differ", () => {
    for (const where of machines) {
      const cuts = family(`power cut of ${where}`);
      expect(cuts).toHaveLength(20);
      expect(new Set(cuts.map(({ steps }) => steps[0]?.atMs)).size).toBeGreaterThan(15);
    }
  });

  it("cuts each link in one and both directions, and all pairs of these", () => {
    expect(family("cut").filter(({ name }) => name.endsWith("all"))).toHaveLength(9);
    expect(family("two cuts")).toHaveLength((9 * 8) / 2);
  });

  it("loses, delays and doubles on each link", () => {
    expect(family("impaired link")).toHaveLength(links.length * 3);
  });

  it("pauses each machine for 1, 5 and 30 s", () => {
    for (const where of machines)
      expect(
        family("pause")
          .flatMap(({ steps }) => steps)
          .filter(({ fault }) => fault.kind === "pause" && fault.where === where)
          .map(({ forMs }) => forMs),
      ).toEqual([1000, 5000, 30_000]);
  });

  it("pauses either node while it leads beside T", () => {
    const paused = family("pause of a leader beside T").flatMap(({ steps }) => steps);
    for (const where of nodes)
      expect(paused.some(({ fault }) => fault.kind === "pause" && fault.where === where && fault.leading)).toBe(true);
  });

  it("kills and stops each etcd, each agent and the web server", () => {
    const names = family("signal").flatMap(({ steps }) =>
      steps.map(({ fault }) => fault.kind === "signal" && `${fault.signal} ${fault.program} ${fault.where}`),
    );
    const programs = ["etcd n1", "etcd n2", "T n1", "agent n1", "agent n2", "nginx w"];
    expect(names.sort()).toEqual(programs.flatMap((one) => [`KILL ${one}`, `STOP ${one}`]).sort());
  });

  it("catches an agent at every job and at every request to the witness", () => {
    const points = ofKind("race").map(({ point }) => point.split(" ")[1]);
    const jobs = ["disconnect", "connect", "closeDoor", "openDoor", "takeVolume", "releaseVolume", "startT", "stopT"];
    for (const name of [...jobs, "moveLeader", "rearm", "stage", "move", "release", "collect", "note", "verdict"])
      expect(points).toContain(name);
  });

  it("has a witness that is slow, refuses, has an expired certificate, a full disk or a lost tree, also while a node dies", () => {
    const names = family("witness").map(({ name }) => name);
    for (const how of [
      "slow, 1000 ms",
      "slow, 5000 ms",
      "slow, 30000 ms",
      "error 500",
      "expired certificate",
      "disk full",
      "tree lost",
    ])
      for (const also of ["", ", and n1 dies", ", and n2 dies"])
        expect(names.some((name) => name.includes(how) && name.endsWith(also))).toBe(true);
  });

  it("fills, breaks and slows the disks of each node", () => {
    for (const where of nodes) {
      const of = ofKind("disk").filter((fault) => fault.where === where);
      for (const how of ["full", "error", "slow"] as const)
        expect(of.some((one) => one.disk === "etcd" && one.how === how)).toBe(true);
      for (const how of ["error", "slow"] as const)
        expect(of.some((one) => one.disk === "T" && one.how === how)).toBe(true);
      expect(of.some(({ disk, how }) => disk === "root" && how === "full")).toBe(true);
    }
  });

  it("lets three machines fail in every order", () => {
    expect(family("one after the other")).toHaveLength(12);
    const firsts = family("one after the other").map(({ steps }) =>
      steps.map(({ fault }) => describeFault(fault)).join(),
    );
    expect(new Set(firsts).size).toBe(6);
  });
});

describe("a choice from the catalogue", () => {
  const names = (text: string) => named(all, text).map(({ name }) => name);

  it("is the one of that name, even if others have it in theirs", () => {
    expect(names("power cut of n1 1")).toEqual(["power cut of n1 1"]);
  });

  it("is a family, or whatever has the words in its name", () => {
    expect(names("pause")).toHaveLength(9);
    expect(names("paused 30 s")).toEqual(["n1 paused 30 s", "n2 paused 30 s", "w paused 30 s"]);
  });

  it("is refused when nothing fits", () => {
    expect(() => named(all, "earthquake")).toThrow(
      'no schedule of the catalogue has "earthquake" as its name or family, or in its name',
    );
  });
});

describe("a seed", () => {
  it("gives the same schedules again, and another one others", () => {
    expect(schedules(7, 30)).toEqual(schedules(7, 30));
    expect(schedules(7, 30)).not.toEqual(schedules(8, 30));
  });

  it("mixes what is in the catalogue with what chance makes, for as many as are asked for", () => {
    const some = schedules(3, 30);
    expect(some.filter(({ family }) => family === "random")).toHaveLength(10);
    expect(schedules(3, 1000)).toHaveLength(1000);
  });

  it("begins a longer run like a shorter one", () => {
    expect(schedules(5, 40).slice(0, 10)).toEqual(schedules(5, 10));
  });

  it("makes schedules that are over in less than half a minute, in the order of time", () => {
    for (let i = 0; i < 200; i++) {
      const one = randomSchedule(i, generator(i));
      expect(lengthMs(one)).toBeLessThan(30_000);
      expect(one.steps.map(({ atMs }) => atMs)).toEqual(one.steps.map(({ atMs }) => atMs).sort((a, b) => a - b));
    }
  });
});
