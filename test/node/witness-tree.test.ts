import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
let tree: string;

beforeEach(() => {
  sandbox = new Sandbox();
  sandbox.mkdir("/srv/tandem-witness/store-0042");
  tree = join(sandbox.root, "srv/tandem-witness/store-0042");
  sandbox.stub("findmnt", "echo tmpfs");
});

afterEach(() => {
  sandbox.dispose();
});

const make = (storage = "tmpfs") => sandbox.run("witness-tree.sh", [storage, tree]);
const token = () => readFileSync(join(tree, "incarnation"), "utf8");

describe("the tree of a site", () => {
  it("comes with its token", async () => {
    expect((await make()).code).toBe(0);
    expect(token()).toMatch(/^[0-9a-f]{32}$/);
    expect(readdirSync(join(tree, token())).sort()).toEqual(["claims", "staging"]);
  });

  it("is left as it is when it exists", async () => {
    await make();
    const before = token();
    sandbox.mkdir(`/srv/tandem-witness/store-0042/${before}/claims/68798EAEE4968C1A.0`);
    expect((await make()).code).toBe(0);
    expect(token()).toBe(before);
    expect(existsSync(join(tree, before, "claims/68798EAEE4968C1A.0"))).toBe(true);
  });

  it("is another one on storage that came up empty", async () => {
    await make();
    const before = token();
    for (const name of readdirSync(tree)) rmSync(join(tree, name), { recursive: true });
    await make();
    expect(token()).not.toBe(before);
  });

  it("is finished after an interruption that left no token", async () => {
    sandbox.mkdir("/srv/tandem-witness/store-0042/aaaa/claims");
    await make();
    expect(readdirSync(tree).sort()).toEqual([".body", "incarnation", token()].sort());
  });

  it("is not made over claims whose token is gone", async () => {
    await make();
    sandbox.mkdir(`/srv/tandem-witness/store-0042/${token()}/claims/68798EAEE4968C1A.0`);
    const claims = join(tree, token(), "claims");
    rmSync(join(tree, "incarnation"));
    const { code, stderr } = await make();
    expect(code).toBe(1);
    expect(stderr).toBe(
      `<3>${tree}: holds claims in ${claims} and no token; stop both nodes' agents, empty the folder by hand and start this again\n`,
    );
    expect(existsSync(join(tree, "incarnation"))).toBe(false);
  });
});

describe("the storage of a tree", () => {
  it("in memory must be mounted", async () => {
    sandbox.stub("findmnt", "exit 1");
    expect(await make()).toMatchObject({ code: 1, stderr: `<3>${tree}: is no mounted tmpfs; start its mount unit\n` });
    expect(readdirSync(tree)).toEqual([]);
  });

  it("on a disk must be mounted so that no claim is lost with the power", async () => {
    sandbox.stub("findmnt", "echo rw,relatime,sync");
    expect(await make("disk")).toMatchObject({
      code: 1,
      stderr: `<3>${tree}: lies on a file system mounted without dirsync; claims could be lost with the power: mount it with sync,dirsync\n`,
    });
    sandbox.stub("findmnt", "echo rw,sync,dirsync,noatime");
    expect((await make("disk")).code).toBe(0);
  });
});
