import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../../../components/cli/apply/machine.ts";
import { recordRegular, recordTransient } from "../../../components/cli/member.ts";
import { Failure } from "../../../components/cli/verb.ts";
import { parseSentinel } from "../../../components/cli/volume/sentinel.ts";

let machine: Machine;
const file = (path: string) => join(machine.root, path);
const healthy = (memberId: string) => async () => ({ memberId, hasLeader: true });
const isThere = (path: string) => {
  try {
    return readFileSync(file(path), "utf8");
  } catch {
    return undefined;
  }
};

beforeEach(() => {
  const root = mkdtempSync(join(tmpdir(), "tandem-member-"));
  machine = { root, run: () => Promise.reject(new Error("nothing is run")), step() {} };
  mkdirSync(file("var/lib/tandem"), { recursive: true });
  mkdirSync(file("var/lib/etcd-transient"), { recursive: true });
  writeFileSync(file("var/lib/tandem/founding"), "store-0042\n");
});
afterEach(() => rmSync(machine.root, { recursive: true }));

describe("the regular member", () => {
  test("is noted with its id, which ends founding", async () => {
    await recordRegular(machine, healthy("8e9e05c52164694d"), 0);
    expect(isThere("var/lib/tandem/etcd-member")).toBe("8e9e05c52164694d\n");
    expect(isThere("var/lib/tandem/founding")).toBeUndefined();
  });

  test("is waited for until it knows a leader", async () => {
    const answers = [
      new Failure("connection refused"),
      { memberId: "1", hasLeader: false },
      { memberId: "1", hasLeader: true },
    ];
    const ask = async () => {
      const answer = answers.shift();
      if (answer === undefined || answer instanceof Failure) throw answer;
      return answer;
    };
    expect(await recordRegular(machine, ask, 5_000)).toBe("regular member 1");
  });

  test("is not noted while it is ill, and founding goes on", async () => {
    const ill = async () => ({ memberId: "1", hasLeader: false });
    await expect(recordRegular(machine, ill, 0)).rejects.toThrow(
      "port 2379 is not healthy after 0 s: it knows no leader",
    );
    expect(isThere("var/lib/tandem/etcd-member")).toBeUndefined();
    expect(isThere("var/lib/tandem/founding")).toBeDefined();
  });

  test("of another id than the one created here is an alarm", async () => {
    await recordRegular(machine, healthy("aa"), 0);
    await expect(recordRegular(machine, healthy("bb"), 0)).rejects.toThrow("the member bb, and aa was created here");
  });
});

describe("T", () => {
  const sentinel = "var/lib/etcd-transient/tandem.json";

  test("is noted on its volume, once", async () => {
    writeFileSync(file(sentinel), '{"site":"store-0042","state":"new"}\n');
    await recordTransient(machine, healthy("906dd26765601294"), 0);
    expect(parseSentinel(readFileSync(file(sentinel), "utf8"))).toEqual({
      site: "store-0042",
      state: "created",
      memberId: "906dd26765601294",
    });
    const neverAsked = () => Promise.reject(new Error("asked again"));
    expect(await recordTransient(machine, neverAsked, 0)).toBe("T 906dd26765601294");
  });

  test("that is on the other node is the other's to note", async () => {
    expect(await recordTransient(machine, healthy("1"), 0)).toBe("T is not on this node");
  });

  test("with a damaged sentinel is refused", async () => {
    writeFileSync(file(sentinel), '{"site":"store-0042"}\n');
    await expect(recordTransient(machine, healthy("1"), 0)).rejects.toThrow("tandem.json is damaged");
  });
});
