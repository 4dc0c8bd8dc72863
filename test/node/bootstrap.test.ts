import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { bundle } from "../../components/bundle.ts";
import { run } from "../../components/cli/process.ts";
import { Sandbox, scripts } from "./sandbox.ts";

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = new Sandbox();
  sandbox.write("/etc/os-release", 'ID=debian\nVERSION_ID="13"\n');
  sandbox.mkdir("/run/systemd/system");
});

afterEach(() => {
  sandbox.dispose();
});

const prepare = () => sandbox.run("bootstrap.sh", ["prepare"]);

describe("bootstrap.sh prepare", () => {
  it.each(["debian 12", "debian 13", "ubuntu 22.04", "ubuntu 24.04"])("accepts %s", async (system) => {
    const [id, version] = system.split(" ");
    sandbox.write("/etc/os-release", `NAME=x\nID=${id}\nVERSION_ID="${version}"\n`);
    sandbox.stub("node", "echo v20.19.2");
    expect(await prepare()).toMatchObject({ code: 0, stderr: "" });
  });

  it.each([
    ["another release", "ID=debian\nVERSION_ID=11\n", "debian 11"],
    ["another distribution", 'ID="rocky"\nVERSION_ID="9.4"\n', "rocky 9.4"],
    ["a release without a number", "ID=debian\n", "debian "],
  ])("refuses %s, and lists what is supported", async (_what, release, name) => {
    sandbox.write("/etc/os-release", release);
    sandbox.stub("apt-get", "");
    expect(await prepare()).toMatchObject({
      code: 1,
      stderr: `${hostname()}: this machine runs ${name} (/etc/os-release); Tandem supports Debian 12, Debian 13, Ubuntu 22.04 or Ubuntu 24.04: install one of them\n`,
    });
    expect(sandbox.calls).toEqual([]);
  });

  it("refuses a machine without systemd", async () => {
    sandbox.remove("/run/systemd/system");
    expect((await prepare()).stderr).toBe(
      `${hostname()}: this machine was not booted with systemd, which Tandem needs: install Debian 12, Debian 13, Ubuntu 22.04 or Ubuntu 24.04 with its default init\n`,
    );
  });

  it("installs nothing where a recent Node.js is", async () => {
    sandbox.stub("node", "echo v18.20.4");
    sandbox.stub("apt-get", "exit 1");
    expect((await prepare()).code).toBe(0);
    expect(sandbox.callsOf("apt-get")).toEqual([]);
  });

  it("installs the distribution's package where there is none", async () => {
    sandbox.stub("node", `[ -e "$TANDEM_ROOT/installed" ] || exit 127; echo v18.20.4`);
    sandbox.stub("apt-get", `case "$*" in *install*) touch "$TANDEM_ROOT/installed" ;; esac`);
    expect((await prepare()).code).toBe(0);
  });

  it("says what to do where the package is too old or not to be had", async () => {
    sandbox.stub("node", "echo v12.22.9");
    sandbox.stub("apt-get", "echo 'E: Unable to locate package nodejs' >&2; exit 100");
    const { code, stderr } = await prepare();
    expect(code).toBe(1);
    expect(stderr).toContain("E: Unable to locate package nodejs\n");
    expect(stderr).toContain(
      "Node.js 18 or later is needed, found: v12.22.9; make the package sources reachable, or put an official nodejs.org build under /usr/local (the package of Ubuntu 22.04 is too old)\n",
    );
  });
});

describe("bootstrap.sh program", () => {
  const program = "/usr/local/lib/tandem/tandem.mjs";
  const install = (text: string) =>
    run([join(scripts, "bootstrap.sh"), "program"], {
      timeoutMs: 30_000,
      input: text,
      env: { TANDEM_ROOT: sandbox.root },
    });

  it("installs the command, which runs", async () => {
    expect(await install(bundle("cli/main.ts"))).toMatchObject({ code: 0, stderr: "" });
    const help = await run([join(sandbox.root, "usr/local/sbin/tandem"), "--help"], { timeoutMs: 30_000 });
    expect(help.stdout).toContain("tandem status");
  });

  it("keeps the old one when the new one arrives cut off, be it between two statements", async () => {
    const text = bundle("cli/main.ts");
    await install(text);
    for (const part of ["", text.slice(0, text.indexOf("\nimport")), text.slice(0, -10)]) {
      expect(await install(part)).toMatchObject({
        code: 1,
        stderr: `${hostname()}: the tandem command did not arrive complete; run pulumi up again\n`,
      });
      expect(sandbox.read(program)).toBe(text);
    }
    expect(sandbox.list("/usr/local/lib/tandem")).toEqual(["tandem.mjs"]);
  });

  it("is taken back, but not while another site of this machine needs it", async () => {
    await install(bundle("cli/main.ts"));
    sandbox.write("/var/lib/tandem/applied/witness-other.json", "{}");
    expect((await sandbox.run("bootstrap.sh", ["remove"])).code).toBe(0);
    expect(existsSync(join(sandbox.root, program))).toBe(true);
    sandbox.remove("/var/lib/tandem/applied/witness-other.json");
    expect((await sandbox.run("bootstrap.sh", ["remove"])).code).toBe(0);
    expect(existsSync(join(sandbox.root, program))).toBe(false);
    expect(existsSync(join(sandbox.root, "usr/local/sbin/tandem"))).toBe(false);
  });
});
