import { execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

const templates = new URL("../../templates/", import.meta.url).pathname;

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

test("shellcheck finds nothing in any script", () => {
  const files = globSync("**/*.sh", { cwd: templates });
  expect(files.length).toBeGreaterThan(5);
  expect(execFileSync("shellcheck", files, { cwd: templates, encoding: "utf8" })).toBe("");
});

describe("before-resync-target", () => {
  const run = () => sandbox.run("before-resync-target.sh");

  test("leaves one note, named by a fresh token, and nothing half-made", async () => {
    expect((await run()).code).toBe(0);
    expect((await run()).code).toBe(0);
    const notes = sandbox.list("/var/lib/tandem/disarmed");
    expect(notes).toHaveLength(2);
    for (const note of notes) expect(sandbox.read(`/var/lib/tandem/disarmed/${note}`)).toBe(`${note}\n`);
  });

  test("syncs the note before it gets its name, and the folder after", async () => {
    for (const tool of ["sync", "mv"]) sandbox.stub(tool, `exec "$(command -pv ${tool})" "$@"`);
    await run();
    const folder = `${sandbox.root}/var/lib/tandem/disarmed`;
    const [note] = sandbox.list("/var/lib/tandem/disarmed");
    expect(sandbox.calls).toEqual([
      `sync ${folder}/.${note}`,
      `mv ${folder}/.${note} ${folder}/${note}`,
      `sync ${folder}`,
    ]);
  });

  test.each([
    ["the note cannot be written", () => sandbox.remove("/var/lib/tandem/disarmed")],
    ["the note cannot be synced", () => sandbox.stub("sync", "exit 1")],
    ["the note cannot be renamed", () => sandbox.stub("mv", "exit 1")],
    ["the folder cannot be synced", () => sandbox.stub("sync", `[[ $1 = */.* ]]`)],
    ["the settings are missing", () => sandbox.remove("/etc/tandem/node.env")],
  ])("refuses the resync when %s", async (_why, spoil) => {
    spoil();
    expect((await run()).code).not.toBe(0);
  });
});

test("split-brain keeps a note for the agent and the operator, even if the generations cannot be read", async () => {
  sandbox.stub("drbdsetup", "echo generations; exit 20");
  expect((await sandbox.run("split-brain.sh")).code).toBe(0);
  expect(sandbox.list("/var/lib/tandem")).toEqual(["disarmed", "split-brain"]);
  expect(sandbox.read("/var/lib/tandem/split-brain")).toMatch(/^\d{4}-\d\d-\d\dT.*\ngenerations\n$/);
});

describe("volume-role", () => {
  test.each([
    ["8.4.11", "drbdsetup primary 10"],
    ["9.2.9", "drbdsetup primary etcd-t"],
  ])("speaks to DRBD %s in its own way", async (version, call) => {
    sandbox.write("/sys/module/drbd/version", `${version}\n`);
    sandbox.stub("drbdsetup", "");
    expect((await sandbox.run("volume-role.sh", ["primary"])).code).toBe(0);
    expect(sandbox.calls).toEqual([call]);
  });

  test("fails with its own code when DRBD refuses", async () => {
    sandbox.write("/sys/module/drbd/version", "8.4.11\n");
    sandbox.stub("drbdsetup", "exit 17");
    expect((await sandbox.run("volume-role.sh", ["primary"])).code).toBe(1);
  });

  test("does nothing but promote and demote", async () => {
    sandbox.stub("drbdsetup", "");
    expect((await sandbox.run("volume-role.sh", ["primary --force"])).code).toBe(1);
    expect(sandbox.calls).toEqual([]);
  });
});
