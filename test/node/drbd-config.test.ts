import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { renderResource, secretFiles } from "../../components/drbd.ts";
import { readTemplate } from "../../components/render.ts";

const secret = "0123456789abcdef0123456789abcdef";
const tools = { "8.4": "/lib/drbd/drbdadm-84", "9": "/usr/sbin/drbdadm" } as const;
type Version = keyof typeof tools;
const versions: Version[] = ["8.4", "9"];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-drbd-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function plan(version: Version) {
  return {
    nodes: [
      { name: hostname(), backend: "127.0.0.1", disk: "/dev/vg0/etcd-t" },
      { name: "n2", backend: "10.77.2.12", disk: "/dev/sdb" },
    ] as const,
    drbd: { version, port: 7788, minor: 10, resyncRateBytesPerSecond: 50 * 2 ** 20, package: undefined },
  };
}

/** The files as they lie on a node, moved into a folder. */
function configuration(version: Version): string {
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const [secretText = ""] = Object.values(secretFiles(secret).files ?? {}).map(({ content }) => content);
  const secrets = file("secrets.conf", secretText);
  const common = readTemplate("etc/drbd.d/global_common.conf").replace("/etc/tandem/secrets/drbd.conf", secrets);
  const resource = file(`${version}.res`, renderResource(plan(version), version));
  return file(`${version}.conf`, `include "${file("global_common.conf", common)}";\ninclude "${resource}";\n`);
}

function drbdadm(version: Version, ...args: string[]) {
  return execFileSync(tools[version], ["-c", configuration(version), ...args], { encoding: "utf8", stdio: "pipe" });
}

describe.each(versions)("in the words of DRBD %s", (version) => {
  test("drbdadm reads the configuration, and says what protects the data", () => {
    const read = drbdadm(version, "dump", "etcd-t").replaceAll(/[ \t]+/g, " ");
    for (const line of [
      "protocol C;",
      "fencing resource-and-stonith;",
      "after-sb-0pri disconnect;",
      "after-sb-1pri disconnect;",
      "after-sb-2pri disconnect;",
      "rr-conflict disconnect;",
      "on-io-error detach;",
      "al-extents 67;",
      "resync-rate 51200k;",
      "cram-hmac-alg sha256;",
      "fence-peer /usr/local/lib/tandem/fence-peer.sh;",
      "before-resync-target /usr/local/lib/tandem/before-resync-target.sh;",
      "split-brain /usr/local/lib/tandem/split-brain.sh;",
    ])
      expect(read).toContain(line);
    expect(read).not.toContain("allow-two-primaries");
  });

  test("the secret comes from its own file", () => {
    expect(renderResource(plan(version), version)).not.toContain("shared-secret");
    expect(drbdadm(version, "dump")).toContain(secret);
  });

  test("the other version's tool refuses it", () => {
    const other = version === "9" ? "8.4" : "9";
    const { status } = spawnSync(tools[other], ["-c", configuration(version), "dump", "etcd-t"]);
    expect(status).not.toBe(0);
  });
});

test("fence-peer is never ended by drbdadm", () => {
  expect(drbdadm("8.4", "dump")).toMatch(/cmd-timeout-long 0;/);
});

test("8.4 is told everything with the command that attaches or connects", () => {
  expect(drbdadm("8.4", "--dry-run", "attach", "etcd-t")).toContain("--fencing=resource-and-stonith");
  const connect = drbdadm("8.4", "--dry-run", "connect", "etcd-t");
  for (const option of ["--protocol=C", "--cram-hmac-alg=sha256", "--ping-int=1", "--ping-timeout=5", "--timeout=9"])
    expect(connect).toContain(option);
});

test("9 knows its peer, and how to fence it, before it is attached", () => {
  const read = drbdadm("9", "dump", "etcd-t");
  expect(read).toMatch(/auto-promote\s+no;/);
  expect(read).toMatch(/quorum\s+off;/);
  expect(drbdadm("9", "--dry-run", "new-peer", "etcd-t")).toContain("--fencing=resource-and-stonith");
  expect(drbdadm("9", "--dry-run", "new-path", "etcd-t")).toContain("10.77.2.12:7788");
});
