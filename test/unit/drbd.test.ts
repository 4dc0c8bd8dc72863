import { describe, expect, test } from "vitest";
import {
  renderResource,
  secretFiles,
  type VolumePlan,
  volumeBytes,
  volumeFiles,
  volumeOrder,
} from "../../components/drbd.ts";

const plan: VolumePlan = {
  site: "store-0042",
  nodes: [
    { name: "n1", frontend: "10.77.1.11", backend: "10.77.2.11", disk: "/dev/vg0/etcd-t" },
    { name: "n2", frontend: "10.77.1.12", backend: "10.77.2.12", disk: "/dev/sdb" },
  ],
  drbd: { version: "auto", port: 7788, minor: 10, resyncRateBytesPerSecond: 50 * 2 ** 20, package: undefined },
  quotaBackendBytes: 2 ** 30,
  purge: false,
};
const paths = (changes: Partial<VolumePlan["drbd"]>) =>
  Object.keys(volumeFiles({ ...plan, drbd: { ...plan.drbd, ...changes } }).files ?? {});

describe("the size of the volume", () => {
  test.each([
    [2 ** 30, 2996],
    [2 * 2 ** 30, 5453],
  ])("holds two databases of %i bytes, etcd's log, and a fifth more: %i MiB", (quota, mebibytes) => {
    expect(Math.ceil(volumeBytes(quota) / 2 ** 20)).toBe(mebibytes);
  });
});

describe("the files of a node", () => {
  test("with the version left to the kernel, hold the words of both", () => {
    expect(paths({ version: "auto" })).toEqual(
      expect.arrayContaining(["/etc/tandem/drbd/8.4.res", "/etc/tandem/drbd/9.res"]),
    );
  });

  test("with a fixed version, hold no other", () => {
    expect(paths({ version: "9" }).filter((path) => path.endsWith(".res"))).toEqual(["/etc/tandem/drbd/9.res"]);
  });

  test("hold no secret: it is in a file of its own, readable by root alone", () => {
    const secret = "0123456789abcdef";
    expect(JSON.stringify(volumeFiles(plan))).not.toMatch(/shared-secret\s/);
    expect(secretFiles(secret).files).toEqual({
      "/etc/tandem/secrets/drbd.conf": { mode: "0600", content: expect.stringContaining(`shared-secret "${secret}";`) },
    });
  });

  test.each([
    "short",
    'quote"0123456789',
    "x".repeat(64),
  ])("refuse a secret that DRBD would misread or its kernel overrun: %s", (secret) => {
    expect(() => secretFiles(secret)).toThrow("16 to 63 letters");
  });

  test("take the distribution's own units out of service before its package comes", () => {
    const masked = volumeFiles(plan)
      .units?.filter((unit) => unit.mask)
      .map((unit) => unit.name);
    const graceful = ["shutdown", "disconnect", "down"].map((what) => `drbd-graceful-${what}.service`);
    const escalating = ["drbd-demote-or-escalate@.service", "drbd-reconfigure-suspend-or-error@.service"];
    expect(masked).toEqual(expect.arrayContaining(["drbd.service", "drbd@.service", ...graceful, ...escalating]));
  });
});

test("each node is told its own part of the volume", () => {
  expect(volumeOrder(plan, 1)).toEqual({
    site: "store-0042",
    node: "n2",
    sibling: "n1",
    index: 1,
    siblingEtcd: "https://10.77.1.11:2379",
    peerUrl: "https://10.77.2.12:2380",
    disk: "/dev/sdb",
    minor: 10,
    port: 7788,
    bytes: volumeBytes(2 ** 30),
    resyncKibibytesPerSecond: 51_200,
    purge: false,
  });
});

test("only DRBD 9 numbers the nodes, node one first", () => {
  const ids = (version: "8.4" | "9") =>
    [...renderResource(plan, version).matchAll(/node-id (\d)/g)].map((match) => match[1]);
  expect(ids("9")).toEqual(["0", "1"]);
  expect(ids("8.4")).toEqual([]);
});
