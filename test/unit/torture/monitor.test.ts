import { describe, expect, it } from "vitest";
import { describe as describeSample, type Sample, sampleOf, twoHolders } from "../../torture/monitor.ts";
import type { Node } from "../../torture/schedule.ts";

const connected = "10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----";
const alone = "10: cs:StandAlone ro:Primary/Unknown ds:UpToDate/Outdated   r-----";
const frozen = "10: cs:NetworkFailure ro:Primary/Unknown ds:UpToDate/DUnknown C s-----";
const secondary = "10: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown   r-----";

const at = (seconds: number, node: Node, line: string): Sample => sampleOf(node, seconds * 1e9, line);

describe("a line of a node", () => {
  it("tells of DRBD and T", () => {
    expect(at(1, "n1", `${connected} t=812`)).toEqual({
      node: "n1",
      atNs: 1e9,
      connection: "Connected",
      role: "Primary",
      disk: "UpToDate",
      frozen: false,
      t: true,
    });
    expect(at(1, "n1", `${frozen} t=812`)).toMatchObject({ frozen: true, t: true });
    expect(at(1, "n2", `${secondary} t=`)).toMatchObject({ role: "Secondary", t: false });
  });

  it("tells nothing of a volume that is not configured", () => {
    const nothing = at(1, "n1", " t=");
    expect(nothing).toMatchObject({ role: "", connection: "", t: false });
    expect(describeSample(nothing)).toBe("n1 tells nothing");
  });
});

describe("two nodes with T", () => {
  it("are a violation when both go on alone, however short", () => {
    const samples = [at(1, "n1", `${alone} t=1`), at(1.1, "n2", `${alone} t=2`), at(1.2, "n1", `${frozen} t=1`)];
    expect(twoHolders(samples)).toEqual([
      "two nodes run T alone: n1 Primary StandAlone UpToDate with T; n2 Primary StandAlone UpToDate with T",
    ]);
  });

  it("are none while one of them is frozen", () => {
    const samples = [0, 1, 2, 3, 4, 5, 6, 7, 8].flatMap((second) => [
      at(second, "n1", `${frozen} t=1`),
      at(second + 0.1, "n2", `${alone} t=2`),
    ]);
    expect(twoHolders(samples)).toEqual([]);
  });

  it("are none while one of them has not noticed yet that its connection is dead", () => {
    const samples = (until: number) =>
      Array.from({ length: until }, (_, second) => [
        at(second, "n1", `${connected} t=1`),
        at(second + 0.1, "n2", `${alone} t=2`),
      ]).flat();
    expect(twoHolders(samples(5))).toEqual([]);
    expect(twoHolders(samples(9))[0]).toMatch(/^two nodes run T unfrozen/);
  });

  it("are none when nothing has been heard of one of them for long: it is off, or stands still", () => {
    const samples = [at(0, "n1", `${alone} t=1`), at(10, "n2", `${alone} t=2`), at(20, "n2", `${alone} t=2`)];
    expect(twoHolders(samples)).toEqual([]);
  });

  it("are none when one has the volume without T", () => {
    expect(twoHolders([at(0, "n1", `${alone} t=`), at(0.1, "n2", `${alone} t=2`)])).toEqual([]);
  });
});
