import { existsSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { NoEtcd } from "../../../components/cli/etcd-client.ts";
import { create } from "../../../components/cli/volume/create.ts";
import { destroy } from "../../../components/cli/volume/destroy.ts";
import { firstSync, settle } from "../../../components/cli/volume/first-sync.ts";
import { DISK, Interrupted, order, pair, type SimulatedNode } from "./simulated-node.ts";

let one: SimulatedNode;
let two: SimulatedNode;

beforeEach(() => {
  [one, two] = pair();
});

const noEtcd = () => Promise.reject(new NoEtcd("nothing listens"));
const isRecorded = (node: SimulatedNode) => existsSync(join(node.root, "var/lib/tandem/volume.json"));

async function createBoth(): Promise<void> {
  await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
}

async function found(): Promise<void> {
  await createBoth();
  await firstSync(one, 5);
  await settle(two);
}

test("without purge keeps the data, and the next create finds them", async () => {
  await found();
  await destroy(one, order(0));
  expect(one.disk).toBe("");
  expect(await create(one, order(0), 5, noEtcd)).toBe("the volume is there");
  expect(one.disk).toBe("UpToDate");
});

test("with purge leaves a blank disk, and the site can be founded again", async () => {
  await found();
  await destroy(one, order(0, { purge: true }));
  await destroy(two, order(1, { purge: true }));
  expect(isRecorded(one)).toBe(false);
  await found();
  expect(one.calls.filter((call) => call === "drbdadm create-md etcd-t")).toHaveLength(2);
});

test("of nothing is nothing", async () => {
  expect(await destroy(one, order(0, { purge: true }))).toBe("there is no volume on this node");
});

test.each(["active", "activating", "deactivating"])("is refused while the agent is %s", async (state) => {
  await found();
  one.agent = state;
  const before = one.calls.length;
  await expect(destroy(one, order(0, { purge: true }))).rejects.toThrow(
    `tandem-agent.service is ${state} on this node`,
  );
  expect(one.calls.slice(before)).toEqual(["systemctl is-active tandem-agent.service"]);
});

test("of another site's volume is refused", async () => {
  await found();
  await expect(destroy(one, order(0, { site: "store-0043", purge: true }))).rejects.toThrow("left alone");
  expect(one.disk).toBe("UpToDate");
});

describe("with purge, of a disk that is not what this node was told, erases nothing", () => {
  const sentinel = () => join(one.root, "replicated/tandem.json");
  test.each<[string, () => void]>([
    [
      "a signature of LVM2_member at 0x218",
      () => one.signatures.push({ type: "LVM2_member", offset: "0x218", label: null }),
    ],
    ["a signature of ext4 at 0x438", () => one.signatures.push({ type: "ext4", offset: "0x438", label: "home" })],
    ["the volume of the site store-0043", () => writeFileSync(sentinel(), '{"site":"store-0043","state":"new"}\n')],
    ["tandem.json is damaged", () => writeFileSync(sentinel(), "{}\n")],
    [
      "the first MiB hold a byte other than zero at 70000, and there is no file system",
      () => {
        Object.assign(one, { fileSystem: "" });
        writeSync(openSync(join(one.root, DISK), "r+"), "x", 70_000);
      },
    ],
    ["lvm vg1-data on top of it", () => one.holders.push("vg1-data lvm")],
    [
      "hold a byte other than zero at 70000",
      () => {
        Object.assign(one, { fileSystem: "", metadata: "none" });
        writeSync(openSync(join(one.root, DISK), "r+"), "x", 70_000);
      },
    ],
  ])("%s", async (what, spoil) => {
    await found();
    spoil();
    await expect(destroy(one, order(0, { purge: true }))).rejects.toThrow(what);
    expect(one.calls.filter((call) => call.startsWith("fallocate"))).toEqual([]);
    expect(isRecorded(one)).toBe(true);
  });
});

test("with purge, of a volume that was never finished, leaves a blank disk", async () => {
  await createBoth();
  await destroy(one, order(0, { purge: true }));
  expect(one.metadata).toBe("none");
});

test("with purge, after a power cut at any change, is finished by its next run", async () => {
  for (let changes = 0, isInterrupted = true; isInterrupted; changes++) {
    await found();
    one.interruptAfter(changes);
    isInterrupted = await destroy(one, order(0, { purge: true })).then(
      () => false,
      (error) => error instanceof Interrupted,
    );
    one.reboot();
    await destroy(one, order(0, { purge: true }));
    expect(one).toMatchObject({ metadata: "none", fileSystem: "" });
    [one, two] = pair();
  }
}, 30_000);

test("with purge, of a new machine's copy that nothing was copied to yet, leaves a blank disk", async () => {
  Object.assign(one, { metadata: "used", disk: "UpToDate" });
  await create(two, order(1), 5, async () => [{ id: "1", name: "", peerUrls: ["https://n2:2380"] }]);
  await destroy(two, order(1, { purge: true }));
  expect(two.metadata).toBe("none");
  expect(existsSync(join(two.root, "var/lib/tandem/joining"))).toBe(false);
});
