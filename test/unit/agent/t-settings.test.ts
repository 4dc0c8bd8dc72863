import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { areOutdated } from "../../../components/arbiter/agent/linux/t-settings.ts";
import type { Hello } from "../../../components/arbiter/agent/world.ts";
import { Scripted, VOLUME } from "./scripted.ts";

const running = { mounted: true, t: "running" } as const;
const changed = { tOutdated: true } as const;
const holder = () => new Scripted(0).start(VOLUME.holder, running).heard(true).shows("tree");

describe("T whose settings have changed", () => {
  test("stops while E1 and E2 are a quorum, and starts again at once", () => {
    const node = holder().polled("E2").sibling({}).see(VOLUME.holder, changed);
    expect(node.job).toBeUndefined();
    expect(node.fire("outdated").job).toBe("stopT");
    expect(node.done(VOLUME.holder, { t: "dead", tOutdated: false }).job).toBe("startT");
    node.done(VOLUME.holder, running);
    expect(node.job).toBeUndefined();
  });

  test("hands the lead over first", () => {
    const node = holder().polled("T").sibling({}).see(VOLUME.holder, changed).fire("outdated");
    expect(node.jobs).toEqual([{ name: "moveLeader", to: "E2" }]);
    expect(node.done().job).toBeUndefined();
  });

  test.each<[string, Partial<Hello> | null]>([
    ["the sibling's agent does not answer", null],
    ["E2 is not healthy", { members: { healthy: false, leader: "none", applied: 100 } }],
    ["E2 is far behind", { members: { healthy: true, leader: "E2", applied: -10_000 } }],
    ["E1 is far behind", { members: { healthy: true, leader: "E2", applied: 10_000 } }],
    ["E2 is not known", { members: null }],
    ["the sibling is disarmed", { disarmed: ["t1"] }],
    ["the sibling believes it is apart", { connection: "StandAlone" }],
  ])("goes on with the old ones while %s", (_, hello) => {
    const node = holder().polled("E2").sibling(hello).see(VOLUME.holder, changed).fire("outdated");
    expect(node.job).toBeUndefined();
  });

  test("goes on with the old ones while E1 is not healthy, and while the node is alone", () => {
    expect(holder().polled("none").sibling({}).see(VOLUME.holder, changed).fire("outdated").job).toBeUndefined();
    const alone = new Scripted(0).start(VOLUME.solo, running).heard(false).polled("E1");
    expect(alone.see(VOLUME.solo, changed).fire("outdated").job).toBeUndefined();
  });
});

describe("what T was started with", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);
  const outdated = () => areOutdated(at("settings"), at("started"));
  const keep = () => copyFileSync(at("settings"), at("started"));
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tandem-t-"));
    writeFileSync(at("settings"), "name: T\n");
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("is old once the file differs, and not before", () => {
    keep();
    expect(outdated()).toBe(false);
    writeFileSync(at("settings"), "name: T\n# changed\n");
    expect(outdated()).toBe(true);
    keep();
    expect(outdated()).toBe(false);
  });

  test("is not called old where it is not known, so that T is not started again and again", () => {
    expect(outdated()).toBe(false);
    keep();
    rmSync(at("settings"));
    expect(outdated()).toBe(false);
  });
});
