import { existsSync, readlinkSync } from "node:fs";
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
      "Node.js 18 or later is needed, found: v12.22.9; make the package sources reachable, add nodejs to the bundle's packages, or name an official build in artifacts.node (the package of Ubuntu 22.04 is too old)\n",
    );
  });
});

describe("bootstrap.sh prepare, of a bundle", () => {
  const lib = "/usr/local/lib/tandem";
  const archive = "node-v24.1.2-linux-x64.tar.gz";
  const url = `https://nodejs.org/dist/v24.1.2/${archive}`;
  const bundleFolder = () => join(sandbox.root, "bundle");
  const at = (path: string) => join(sandbox.root, path);

  beforeEach(() => sandbox.mkdir("/bundle"));

  const sources = (values: Record<string, string>) =>
    sandbox.write(
      `${lib}/sources.env`,
      Object.entries(values)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(""),
    );

  /** An archive with the layout of an official build. @returns its sum */
  async function pack(version = "v24.1.2", member = "bin/node"): Promise<string> {
    sandbox.write(`/src/node-v24.1.2-linux-x64/${member}`, `#!/bin/sh\necho ${version}\n`);
    const tool = (argv: [string, ...string[]]) => run(argv, { timeoutMs: 10_000 });
    await tool(["chmod", "0755", at(`src/node-v24.1.2-linux-x64/${member}`)]);
    await tool(["tar", "-czf", join(bundleFolder(), archive), "-C", at("src"), "node-v24.1.2-linux-x64"]);
    return (await tool(["sha256sum", join(bundleFolder(), archive)])).stdout.slice(0, 64);
  }

  it("puts a pinned Node.js in the place of the package, once", async () => {
    const sha256 = await pack();
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: sha256 });
    sandbox.stub("apt-get", "exit 1");
    expect(await prepare()).toMatchObject({ code: 0, stderr: "" });
    expect(readlinkSync(at("usr/local/bin/node"))).toBe(at(`${lib}/node`));
    expect((await run([at("usr/local/bin/node")], { timeoutMs: 5000 })).stdout).toBe("v24.1.2\n");
    expect(sandbox.list(lib)).toEqual(["node", "node.sha256", "sources.env"]);
    sandbox.remove(`/bundle/${archive}`);
    expect((await prepare()).code).toBe(0);
    expect(sandbox.callsOf("apt-get")).toEqual([]);
  });

  it("replaces it by another one, and takes it away when none is pinned any more", async () => {
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: await pack() });
    await prepare();
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: await pack("v24.9.9") });
    expect((await prepare()).code).toBe(0);
    expect((await run([at("usr/local/bin/node")], { timeoutMs: 5000 })).stdout).toBe("v24.9.9\n");
    sources({ BUNDLE: bundleFolder(), NODE_URL: "", NODE_SHA256: "" });
    sandbox.stub("node", "echo v20.19.2");
    expect((await prepare()).code).toBe(0);
    expect(sandbox.list("/usr/local/bin")).toEqual([]);
    expect(sandbox.list(lib)).toEqual(["sources.env"]);
  });

  it("unpacks nothing with another sha256; both sums are told", async () => {
    const found = await pack();
    const wanted = "0".repeat(64);
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: wanted });
    expect(await prepare()).toMatchObject({
      code: 1,
      stderr:
        `${hostname()}: ${bundleFolder()}/${archive} is not the file that the site's configuration pins:\n    sha256 wanted ${wanted}\n` +
        `    sha256 found  ${found}\nNothing of it was unpacked. Compare both with the sums published for Node.js; correct the ` +
        "configuration, or replace the file.\n",
    });
    expect(sandbox.list(lib)).toEqual(["sources.env"]);
  });

  it("asks for an archive that is missing", async () => {
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: "0".repeat(64) });
    expect((await prepare()).stderr).toBe(
      `${hostname()}: ${bundleFolder()}/${archive} is missing; copy ${archive} (from ${url}) into ${bundleFolder()} on this machine ` +
        "and run this again\n",
    );
  });

  it("refuses an archive for another purpose", async () => {
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: await pack("v24.1.2", "bin/npm") });
    expect((await prepare()).stderr).toContain(
      `${bundleFolder()}/${archive} has the right sha256, and no bin/node in it; name the build for this machine's system and processor\n`,
    );
  });

  it("leaves a Node.js alone that somebody else has put into /usr/local", async () => {
    sandbox.write("/usr/local/bin/node", "theirs");
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: await pack() });
    expect((await prepare()).stderr).toBe(
      `${hostname()}: ${at("usr/local/bin/node")} is there and not Tandem's; remove it, or leave artifacts.node out of the configuration\n`,
    );
    expect(sandbox.read("/usr/local/bin/node")).toBe("theirs");
  });

  it("downloads it where there is no bundle", async () => {
    const sha256 = await pack();
    sandbox.stub("curl", `while [ "$1" != --output ]; do shift; done; cp '${bundleFolder()}/${archive}' "$2"`);
    sources({ BUNDLE: "", NODE_URL: url, NODE_SHA256: sha256 });
    expect(await prepare()).toMatchObject({ code: 0, stderr: "" });
    expect(sandbox.callsOf("curl")[0]).toMatch(new RegExp(` ${url}$`));
  });

  it("asks the bundle's packages and nothing else, where it has any", async () => {
    sandbox.write("/bundle/packages/Packages", "");
    sources({ BUNDLE: bundleFolder(), NODE_URL: "", NODE_SHA256: "" });
    sandbox.stub("node", `[ -e "$TANDEM_ROOT/installed" ] || exit 127; echo v18.20.4`);
    sandbox.stub("apt-get", `case "$*" in *install*) touch "$TANDEM_ROOT/installed" ;; esac`);
    expect((await prepare()).code).toBe(0);
    expect(sandbox.read(`${lib}/bundle.list`)).toBe(`deb [trusted=yes] file:${bundleFolder()}/packages ./\n`);
    for (const call of sandbox.callsOf("apt-get"))
      expect(call).toContain(`Dir::Etc::SourceList=${at(`${lib}/bundle.list`)} -o Dir::Etc::SourceParts=-`);
    sandbox.remove("/bundle/packages/Packages");
    await prepare();
    expect(sandbox.list(lib)).toEqual(["sources.env"]);
  });

  it("leaves nothing of it when it is removed", async () => {
    sandbox.write("/bundle/packages/Packages", "");
    sources({ BUNDLE: bundleFolder(), NODE_URL: url, NODE_SHA256: await pack() });
    await prepare();
    expect((await sandbox.run("bootstrap.sh", ["remove"])).code).toBe(0);
    expect(existsSync(at(lib))).toBe(false);
    expect(sandbox.list("/usr/local/bin")).toEqual([]);
    expect(existsSync(at("var/cache/tandem"))).toBe(false);
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
