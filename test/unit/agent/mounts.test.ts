import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { isMounted, mountedDevice } from "../../../components/arbiter/agent/linux/mounts.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tandem-mounts-"));
  mkdirSync(join(root, "proc/self"), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const line = (where: string, device = "147:10") =>
  `36 35 ${device} / ${where} rw,noatime shared:1 - ext4 /dev/drbd10 rw,errors=remount-ro\n`;
const mount = (...lines: string[]) => writeFileSync(join(root, "proc/self/mountinfo"), lines.join(""));

test("T's file system is the one mounted at its place", () => {
  mount(line("/var"), line("/var/lib/etcd-transient"));
  expect(isMounted(root)).toBe(true);
  mount(line("/var/lib/etcd-transient-old"), line("/var/lib/etcd-transient/data"));
  expect(isMounted(root)).toBe(false);
});

test("of two mounts at one place the later is seen", () => {
  mount(line("/var/lib/etcd-transient"), line("/var/lib/etcd-transient", "98:16"));
  expect(mountedDevice(root)).toBe("98:16");
});
