import { existsSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { NoEtcd } from "../../../components/cli/etcd-client.ts";
import { Failure } from "../../../components/cli/verb.ts";
import { create } from "../../../components/cli/volume/create.ts";
import { firstSync, settle } from "../../../components/cli/volume/first-sync.ts";
import { DISK, DISK_BYTES, Interrupted, order, pair, type SimulatedNode } from "./simulated-node.ts";

let one: SimulatedNode;
let two: SimulatedNode;

beforeEach(() => {
  [one, two] = pair();
});

/** While a site is founded no etcd runs yet. */
const noEtcd = () => Promise.reject(new NoEtcd("nothing listens"));

async function found(): Promise<void> {
  await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
  await firstSync(one, 5);
  await settle(two);
}

const record = (node: SimulatedNode) => JSON.parse(readFileSync(join(node.root, "var/lib/tandem/volume.json"), "utf8"));
const contents = (path: string) => readFileSync(join(one.root, "replicated", path), "utf8");

function expectFounded(): void {
  for (const node of [one, two]) {
    expect(record(node).step).toBe("ready");
    expect(existsSync(join(node.root, "var/lib/tandem/founding"))).toBe(true);
    expect(node).toMatchObject({ role: "Secondary", disk: "UpToDate", connection: "StandAlone", mounted: false });
  }
  expect(contents("tandem.json")).toBe('{"site":"store-0042","state":"new"}\n');
  expect(existsSync(join(one.root, "replicated/data"))).toBe(true);
  for (const call of [...one.calls, ...two.calls])
    expect(call).not.toMatch(/primary --force|create-md --force|discard-my-data/);
}

test("two blank disks become a volume with an empty T, apart and left to the agents", async () => {
  await found();
  expectFounded();
  expect(one.calls).toContain("chattr +i /var/lib/etcd-transient");
});

test("every step may be repeated afterwards and changes nothing", async () => {
  await found();
  const before = one.calls.length;
  await found();
  expectFounded();
  expect(
    one.calls.slice(before).filter((call) => /create-md|mkfs|new-current|connect|primary|install/.test(call)),
  ).toEqual([]);
});

describe("a changed resync rate", () => {
  const faster = order(0, { resyncKibibytesPerSecond: 102_400 });

  test.each([
    "8.4.11\n",
    "9.2.9\n",
  ])("is in effect on a volume that runs, and nothing else is touched: DRBD %j", async (drbd) => {
    await found();
    one.drbd = drbd;
    const before = one.calls.length;
    expect(await create(one, faster, 5, noEtcd)).toBe("the volume is there, and resyncs at 102400 KiB/s from now on");
    expect(one.rates).toEqual({ "resync-rate": "102400k", "c-min-rate": "102400k" });
    expect(one.calls.slice(before).filter((call) => !/drbd-attach|events2| show /.test(call))).toEqual([
      `drbdsetup ${drbd.startsWith("8") ? "disk-options 10" : "peer-device-options etcd-t 1 0"} --resync-rate=102400k --c-min-rate=102400k`,
    ]);
    expect(await create(one, faster, 5, noEtcd)).toBe("the volume is there");
  });

  test("is the node's own from then on, also where nobody orders anything", async () => {
    await found();
    await create(one, faster, 5, noEtcd);
    expect(record(one)).toEqual({ order: faster, step: "ready" });
  });

  test("that DRBD does not take is told", async () => {
    await found();
    one.obeysRates = false;
    await expect(create(one, faster, 5, noEtcd)).rejects.toThrow(
      new Failure(
        "[datastore.drbd.resyncRate] DRBD was given 102400k and shows another; compare `drbdsetup show etcd-t`",
      ),
    );
  });
});

describe("after a power cut at any change", () => {
  /** Runs the work with a power cut after so many changes, and again after the boot. @returns false if it was done before */
  async function withPowerCut(node: SimulatedNode, changes: number, work: () => Promise<unknown>): Promise<boolean> {
    node.interruptAfter(changes);
    try {
      await work();
      return false;
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      node.reboot();
      await work();
      return true;
    } finally {
      node.interruptAfter(Number.POSITIVE_INFINITY);
    }
  }

  /** With a new pair for each change, until there is none left. @returns how many there are */
  async function atEveryChange(attempt: (changes: number) => Promise<boolean>): Promise<number> {
    for (let changes = 0; ; changes++) {
      const isInterrupted = await attempt(changes);
      expectFounded();
      if (!isInterrupted) return changes;
      [one, two] = pair();
    }
  }

  test("create is finished by its next run, and writes metadata once", async () => {
    const changes = await atEveryChange(async (after) => {
      const [isInterrupted] = await Promise.all([
        withPowerCut(one, after, () => create(one, order(0), 5, noEtcd)),
        create(two, order(1), 5, noEtcd),
      ]);
      await firstSync(one, 5);
      await settle(two);
      expect(one.calls.filter((call) => call === "drbdadm create-md etcd-t")).toHaveLength(1);
      return isInterrupted;
    });
    expect(changes).toBe(5);
  }, 30_000);

  test("first-sync is finished by its next run, and makes the file system once", async () => {
    const changes = await atEveryChange(async (after) => {
      await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
      const isInterrupted = await withPowerCut(one, after, () => firstSync(one, 5));
      await settle(two);
      expect(one.calls.filter((call) => call.startsWith("mkfs"))).toHaveLength(1);
      return isInterrupted;
    });
    expect(changes).toBeGreaterThan(10);
  }, 30_000);
});

describe("a disk that is not blank", () => {
  const refusal = () =>
    create(one, order(0), 5, noEtcd).then(
      () => "",
      (error: Error) => error.message,
    );
  const poke = (offset: number) => writeSync(openSync(join(one.root, DISK), "r+"), "x", offset);

  test.each<[string, () => void]>([
    ["a signature of ext4 at 0x438", () => one.signatures.push({ type: "ext4", offset: "0x438", label: null })],
    ["data: the first MiB hold a byte other than zero at 70000", () => poke(70_000)],
    [
      `data: the last bytes, where DRBD's metadata goes, hold a byte other than zero at ${DISK_BYTES - 1}`,
      () => poke(DISK_BYTES - 1),
    ],
    ["lvm vg1-data on top of it", () => one.holders.push("vg1-data lvm")],
  ])("is refused: %s", async (what, spoil) => {
    spoil();
    expect(await refusal()).toBe(
      `[disk] /dev/vg0/etcd-t is not blank, and Tandem overwrites nothing; found on it:\n- ${what}\n` +
        "if nobody needs any of it: wipefs --all /dev/vg0/etcd-t && blkdiscard --zeroout /dev/vg0/etcd-t",
    );
    expect(one.metadata).toBe("none");
    expect(existsSync(join(one.root, "var/lib/tandem/volume.json"))).toBe(false);
  });

  test("is not looked at again once it is Tandem's", async () => {
    await found();
    one.signatures.push({ type: "drbd", offset: "0x1", label: null });
    expect(await create(one, order(0), 5, noEtcd)).toBe("the volume is there");
  });
});

test("a disk that is too small is refused, with both sizes", async () => {
  await expect(create(one, order(0, { bytes: DISK_BYTES + 2 ** 20 }), 5, noEtcd)).rejects.toThrow(
    new Failure(
      "[disk] /dev/vg0/etcd-t has 8 MiB; datastore.quotaBackend needs at least 9 MiB: give it a larger disk, or lower the quota",
    ),
  );
});

test("a sibling that does not appear is named", async () => {
  await expect(create(one, order(0), 0.3, noEtcd)).rejects.toThrow(
    "n2 did not appear within 0.3 s (DRBD here is Connecting)",
  );
});

test("a sibling whose copy holds data is no partner for a creation, and is left", async () => {
  two.metadata = "used";
  two.disk = "UpToDate";
  two.connection = "Connecting";
  await expect(create(one, order(0), 5, noEtcd)).rejects.toThrow(
    "the copy of n2 is not new (UpToDate, and here Inconsistent)",
  );
  expect(one.connection).toBe("StandAlone");
  expect(two.disk).toBe("UpToDate");
});

test("a node keeps the volume of its own site", async () => {
  await found();
  await expect(create(one, order(0, { site: "store-0043" }), 5, noEtcd)).rejects.toThrow(
    "this node has the volume of the site store-0042",
  );
});

test("a device with somebody else's file system gets none of ours", async () => {
  await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
  one.fileSystem = "TYPE=xfs\n";
  await expect(firstSync(one, 5)).rejects.toThrow("/dev/drbd10 holds something that Tandem did not make");
  expect(one.calls.some((call) => call.startsWith("mkfs"))).toBe(false);
});

test("metadata that vanished is not made anew", async () => {
  await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
  one.reboot();
  one.metadata = "none";
  await expect(create(one, order(0), 5, noEtcd)).rejects.toThrow("A node's disk is gone");
});

test("each node does its own part", async () => {
  await Promise.all([create(one, order(0), 5, noEtcd), create(two, order(1), 5, noEtcd)]);
  await expect(firstSync(two, 5)).rejects.toThrow("this is node two's volume; run this on n1");
  await expect(settle(one)).rejects.toThrow("this is node one's volume; run this on n2");
  await expect(settle(two)).rejects.toThrow("this node's copy is Inconsistent");
});

describe("a blank machine in the place of a lost one", () => {
  const expected = async () => [{ id: "1", name: "", peerUrls: ["https://n2:2380"] }];
  const joinAsTwo = () => create(two, order(1), 5, expected);
  beforeEach(() => {
    // Node one carries the site alone.
    one.metadata = "used";
    one.disk = "UpToDate";
  });

  function expectJoined(): void {
    expect(record(two).step).toBe("ready");
    expect(existsSync(join(two.root, "var/lib/tandem/joining"))).toBe(true);
    expect(existsSync(join(two.root, "var/lib/tandem/founding"))).toBe(false);
    expect(two).toMatchObject({ disk: "Inconsistent", connection: "StandAlone", role: "Secondary" });
    expect(two.calls.filter((call) => call === "drbdadm create-md etcd-t")).toHaveLength(1);
    expect(two.calls.filter((call) => /connect etcd-t$|primary|mkfs|new-current/.test(call))).toEqual([]);
  }

  test("gets an empty copy, apart, and the permission to join", async () => {
    expect(await joinAsTwo()).toBe("an empty copy for what n1 has; the agents connect the two");
    expectJoined();
    expect(await settle(two)).toBe("the volume is settled");
    expectJoined();
  });

  test("is finished after a power cut at any change", async () => {
    for (let changes = 0; ; changes++) {
      two.interruptAfter(changes);
      const isInterrupted = await joinAsTwo().then(
        () => false,
        (error) => error instanceof Interrupted,
      );
      two.reboot();
      await joinAsTwo();
      expectJoined();
      if (!isInterrupted) break;
      expect(changes).toBeLessThan(20);
      [one, two] = pair();
    }
  });

  test("leaves what an attempt to found the site began", async () => {
    const nobody = () => Promise.reject(new NoEtcd("nothing listens"));
    await expect(create(two, order(1), 0.2, nobody)).rejects.toThrow("n1 did not appear within 0.2 s");
    expect(two.connection).toBe("Connecting");
    await joinAsTwo();
    expect(record(two).step).toBe("ready");
    expect(two.connection).toBe("StandAlone");
  });

  test("is not looked for on a disk that holds data", async () => {
    two.signatures.push({ type: "drbd", offset: "0x1", label: null });
    await expect(joinAsTwo()).rejects.toThrow("[disk] /dev/vg0/etcd-t is not blank");
    expect(two.metadata).toBe("none");
  });

  test.each([
    ["has the lost machine's member", [{ id: "1", name: "E2", peerUrls: ["https://n2:2380"] }]],
    ["does not know it", []],
  ])("is refused while etcd %s, before anything but the claim on the disk", async (_what, members) => {
    await expect(create(two, order(1), 5, async () => members)).rejects.toThrow(
      new Failure(
        "n1 runs the site's etcd, and this machine is blank. If n2 is a new machine in the place of a lost one, run `tandem replace " +
          "n2` on n1, and then `pulumi up` again",
      ),
    );
    expect(two).toMatchObject({ metadata: "none", connection: "StandAlone" });
  });
});
