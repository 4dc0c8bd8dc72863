import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

describe("the regular member", () => {
  const run = () => sandbox.run("etcd-guard.sh");
  const wal = "/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal";
  const mark = '{"site":"store-0042","node":"n1"}\n';
  beforeEach(() => sandbox.mkdir("/var/lib/etcd"));

  test("starts empty while its site is founded, and its folder is marked", async () => {
    sandbox.write("/var/lib/tandem/founding", "store-0042\n");
    expect((await run()).code).toBe(0);
    expect(sandbox.read("/var/lib/etcd/tandem.json")).toBe(mark);
    expect((await run()).code).toBe(0);
  });

  test("starts empty on a machine in the place of a lost one, and joins the cluster that there is", async () => {
    sandbox.write("/var/lib/tandem/joining", "store-0042\n");
    expect((await run()).code).toBe(0);
    expect(sandbox.read("/run/tandem/etcd.env")).toBe("CONFIG=joining.yaml\n");
    expect(sandbox.read("/var/lib/etcd/tandem.json")).toBe(mark);
  });

  test("starts as always once it has joined", async () => {
    sandbox.write("/var/lib/tandem/joining", "store-0042\n");
    await run();
    sandbox.write(wal, "log");
    expect((await run()).code).toBe(0);
    expect(sandbox.list("/run/tandem")).toEqual([]);
  });

  test("starts on its own data, founding or not", async () => {
    sandbox.write(wal, "log");
    sandbox.write("/var/lib/etcd/tandem.json", mark);
    expect((await run()).code).toBe(0);
    sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n");
    expect((await run()).code).toBe(0);
  });

  test.each<[string, () => void]>([
    ['was not part of founding the site. See "A node\'s disk is gone" in docs/runbook.md', () => {}],
    ["an empty member would forget", () => sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n")],
    [
      "an empty member would forget",
      () => {
        sandbox.write("/var/lib/tandem/joining", "store-0042\n");
        sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n");
      },
    ],
    [
      "an empty member would forget",
      () => {
        sandbox.write("/var/lib/tandem/founding", "store-0042\n");
        sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n");
        sandbox.mkdir("/var/lib/etcd/member/wal");
      },
    ],
    ["data that Tandem did not make; move it away: mv ", () => sandbox.write(wal, "log")],
    [
      'is of {"site":"store-0042","node":"n2"}',
      () => {
        sandbox.write(wal, "log");
        sandbox.write("/var/lib/etcd/tandem.json", mark.replace("n1", "n2"));
      },
    ],
    ["is missing", () => sandbox.remove("/var/lib/etcd")],
  ])("refuses when %s", async (why, spoil) => {
    spoil();
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toMatch(/etcd is not started: /);
    expect(stderr).toContain(why);
  });
});
