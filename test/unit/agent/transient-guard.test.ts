import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { refusal } from "../../../components/arbiter/agent/linux/transient-guard.ts";
import type { Local, Volume } from "../../../components/arbiter/agent/world.ts";
import { formatSentinel } from "../../../components/cli/volume/sentinel.ts";
import { VOLUME } from "./scripted.ts";

const MOUNTPOINT = "/var/lib/etcd-transient";
const WAL = `${MOUNTPOINT}/data/member/wal/0000000000000000-0000000000000000.wal`;
const CREATED = formatSentinel({ site: "store-0042", state: "created", memberId: "8e9e05c52164694d" });

let root: string;
let local: Local;

const write = (path: string, text: string) => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const remove = (path: string) => rmSync(join(root, path), { recursive: true });
const mount = (device: string) =>
  write(
    "/proc/self/mountinfo",
    `36 1 98:0 / / rw - ext4 /dev/vda rw\n98 36 ${device} / ${MOUNTPOINT} rw - ext4 /dev/drbd10 rw\n`,
  );
const sentinel = (text: string) => write(`${MOUNTPOINT}/tandem.json`, text);
const volume = (change: Partial<Volume>) => {
  local = { ...local, volume: { ...local.volume, ...change } };
};
const why = () => refusal({ site: "store-0042", minor: 10, root }, local);

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tandem-guard-"));
  local = { volume: VOLUME.holder, door: "open", mounted: true, t: "dead", tOutdated: false, disarmed: [] };
  mount("147:10");
  write(WAL, "log");
  sentinel(CREATED);
});
afterEach(() => rmSync(root, { recursive: true }));

test("T starts on its own volume, connected", async () => {
  expect(await why()).toBeNull();
});

test("T starts alone behind a closed door", async () => {
  local = { ...local, volume: VOLUME.solo, door: "closed" };
  expect(await why()).toBeNull();
});

test("T may start without a log once, on a new volume", async () => {
  remove(`${MOUNTPOINT}/data/member`);
  sentinel(formatSentinel({ site: "store-0042", state: "new" }));
  expect(await why()).toBeNull();
});

test.each<[string, () => void]>([
  ["/var/lib/etcd-transient is not mounted", () => write("/proc/self/mountinfo", "36 1 98:0 / / rw - ext4\n")],
  ["/var/lib/etcd-transient holds the device 98:16, not 147:10 (/dev/drbd10)", () => mount("98:16")],
  ["etcd-t is not Primary, or its I/O is suspended", () => volume({ role: "Secondary" })],
  ["etcd-t is not Primary, or its I/O is suspended", () => volume({ frozen: true })],
  ["this node's copy of etcd-t is not UpToDate", () => volume({ disk: "Inconsistent" })],
  ["etcd-t is neither Connected nor StandAlone", () => volume({ connection: "Connecting" })],
  ["this node is alone and the door is open, not closed", () => volume({ connection: "StandAlone" })],
  [
    "this node is alone and the door is half, not closed",
    () => {
      volume({ connection: "StandAlone" });
      local = { ...local, door: "half" };
    },
  ],
  [
    "DRBD reported a split brain, and both copies are kept as they are: /var/lib/tandem/split-brain",
    () => write("/var/lib/tandem/split-brain", ""),
  ],
  [
    "/var/lib/etcd-transient/tandem.json is missing: this is not a volume that Tandem made",
    () => remove(`${MOUNTPOINT}/tandem.json`),
  ],
  [
    'the volume\'s tandem.json is damaged: {"site":"store-0042","state":"fresh"}\n',
    () => sentinel('{"site":"store-0042","state":"fresh"}\n'),
  ],
  ["the volume's tandem.json is damaged: ", () => sentinel("")],
  [
    "this volume belongs to the site store-0043, and this node to store-0042",
    () => sentinel(CREATED.replace("0042", "0043")),
  ],
  ["/var/lib/etcd-transient/data is missing", () => remove(`${MOUNTPOINT}/data`)],
  [
    "T was created once, and its log /var/lib/etcd-transient/data/member/wal is gone; a new start would forget what it has " +
      'promised. See "A node\'s disk is gone" in docs/runbook.md',
    () => remove(`${MOUNTPOINT}/data/member`),
  ],
  [
    "T was created once, and its log /var/lib/etcd-transient/data/member/wal is gone; a new start would forget what it has " +
      'promised. See "A node\'s disk is gone" in docs/runbook.md',
    () => write(WAL, ""),
  ],
])("T is not started: %s", async (reason, spoil) => {
  spoil();
  expect(await why()).toBe(reason);
});
