import { existsSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
const run = (...args: string[]) => sandbox.run("drbd-attach.sh", args);
const chosen = () => readlinkSync(join(sandbox.root, "etc/drbd.d/etcd-t.res")).slice(sandbox.root.length);

/** A DRBD that has whatever it was told to configure. */
function kernel(version: string): void {
  sandbox.write("/sys/module/drbd/version", `${version}\n`);
  sandbox.write("/sys/module/drbd/parameters/usermode_helper", "/sbin/drbdadm\n");
  sandbox.write("/events", "exists -\n");
  const add = (line: string) => `sed -i '1i ${line}' '${sandbox.root}/events'`;
  sandbox.stub("modprobe", "");
  sandbox.stub("drbdsetup", `cat '${sandbox.root}/events'`);
  sandbox.stub(
    "drbdadm",
    `case $1 in
      new-resource) ${add("exists resource name:etcd-t role:Secondary suspended:no")} ;;
      new-minor) ${add("exists device name:etcd-t volume:0 minor:10 disk:Diskless")} ;;
      new-peer) ${add("exists connection name:etcd-t connection:StandAlone")} ;;
      new-path) ${add("exists path name:etcd-t")} ;;
      attach) sed -i s/Diskless/UpToDate/ '${sandbox.root}/events' ;;
    esac`,
  );
}

const steps = () => sandbox.callsOf("drbdadm").filter((call) => !call.startsWith("drbdadm --config-file"));

beforeEach(() => {
  sandbox = new Sandbox();
  sandbox.mkdir("/etc/drbd.d");
  for (const version of ["8.4", "9"]) sandbox.write(`/etc/tandem/drbd/${version}.res`, "resource etcd-t {}\n");
});
afterEach(() => sandbox.dispose());

describe("the configuration", () => {
  test.each([
    ["8.4.11", "/etc/tandem/drbd/8.4.res"],
    ["9.2.9", "/etc/tandem/drbd/9.res"],
  ])("for DRBD %s is %s, and it is read by drbdadm before it counts", async (version, file) => {
    kernel(version);
    expect(await run("select")).toMatchObject({ code: 0, stderr: "" });
    expect(chosen()).toBe(file);
    expect(sandbox.callsOf("drbdadm")).toEqual([`drbdadm --config-file=${sandbox.root}${file} dump etcd-t`]);
  });

  test("of another kernel is replaced after the kernel was", async () => {
    kernel("8.4.11");
    await run("select");
    kernel("9.2.9");
    expect((await run("select")).code).toBe(0);
    expect(chosen()).toBe("/etc/tandem/drbd/9.res");
  });

  test("that drbdadm refuses is not chosen", async () => {
    kernel("8.4.11");
    sandbox.stub("drbdadm", "exit 10");
    expect(await run("select")).toMatchObject({ code: 1, stderr: expect.stringContaining("drbdadm refuses") });
    expect(existsSync(join(sandbox.root, "etc/drbd.d/etcd-t.res"))).toBe(false);
  });

  test("for a version that the site excludes is not looked for", async () => {
    kernel("9.2.9");
    sandbox.remove("/etc/tandem/drbd/9.res");
    expect(await run()).toMatchObject({
      code: 1,
      stderr:
        "the kernel module drbd is 9.2.9, and the site's datastore.drbd.version asks for 8.4; load that module, or say auto\n",
    });
    expect(steps()).toEqual([]);
  });

  test("is of no use while the kernel asks no helper", async () => {
    kernel("9.2.9");
    sandbox.write("/sys/module/drbd/parameters/usermode_helper", "disabled\n");
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("fence-peer would not be asked") });
    expect(steps()).toEqual([]);
  });

  test("for a DRBD of another age does not exist", async () => {
    kernel("8.3.16");
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("8.3.16; Tandem knows 8.4 and 9") });
  });
});

describe("attaching", () => {
  test("on DRBD 8.4 configures the resource and its disk, and no peer", async () => {
    kernel("8.4.11");
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
    expect(steps()).toEqual(["drbdadm new-resource etcd-t", "drbdadm new-minor etcd-t", "drbdadm attach etcd-t"]);
  });

  test("on DRBD 9 configures the peer before the disk, and does not connect", async () => {
    kernel("9.2.9");
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
    expect(steps()).toEqual([
      "drbdadm new-resource etcd-t",
      "drbdadm new-minor etcd-t",
      "drbdadm new-peer etcd-t",
      "drbdadm new-path etcd-t",
      "drbdadm attach etcd-t",
    ]);
  });

  test("again does nothing", async () => {
    kernel("9.2.9");
    await run();
    const before = steps().length;
    expect((await run()).code).toBe(0);
    expect(steps()).toHaveLength(before);
  });

  test("goes on where an interrupted run stopped", async () => {
    kernel("9.2.9");
    sandbox.write("/events", "exists resource name:etcd-t\nexists connection name:etcd-t\nexists -\n");
    expect((await run()).code).toBe(0);
    expect(steps()).toEqual(["drbdadm new-minor etcd-t", "drbdadm new-path etcd-t", "drbdadm attach etcd-t"]);
  });

  test("keeps the secret of a command that failed out of the journal, and the reason in it", async () => {
    kernel("9.2.9");
    sandbox.stub(
      "drbdadm",
      `case $1 in
        new-peer)
          echo "Command 'drbdsetup new-peer etcd-t 1 --_name=n2 --shared-secret=Sesame-open_42 --cram-hmac-alg=sha256' terminated with exit code 10"
          echo "etcd-t: Failure: (162) Invalid configuration request --shared-secret=Sesame-open_42" >&2
          exit 10 ;;
      esac`,
    );
    const ended = await run();
    expect(ended.code).toBe(1);
    expect(ended.stderr).toContain("Invalid configuration request --shared-secret=[secret]");
    expect(ended.stdout + ended.stderr).not.toContain("Sesame");
  });

  test("of a replaced disk fails and tells what to do", async () => {
    kernel("8.4.11");
    sandbox.write("/events", "exists resource name:etcd-t\nexists device name:etcd-t disk:Diskless\nexists -\n");
    sandbox.stub("drbdadm", "[ $1 != attach ]");
    expect(await run()).toMatchObject({ code: 1, stderr: expect.stringContaining("A node's disk is gone") });
  });
});
