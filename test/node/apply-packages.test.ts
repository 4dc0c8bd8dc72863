import { chmodSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ensurePackages } from "../../components/cli/apply/packages.ts";
import { type Argv, type Finished, type Limits, run } from "../../components/cli/process.ts";
import { FakeMachine } from "./fake-machine.ts";

/** Debian's own tools, at work on the folder in the place of `/`. */
class DebianFolder extends FakeMachine {
  override run(argv: Argv, limits: Limits): Promise<Finished> {
    const [program, ...args] = argv;
    const state = join(this.root, "var/lib/dpkg");
    if (program === "dpkg-query") return run([program, `--admindir=${state}`, ...args], limits);
    if (program !== "apt-get") return super.run(argv, limits);
    const options = {
      "Dir::State::status": join(state, "status"),
      "Dir::Cache": join(this.root, "var/cache/apt"),
      "Dir::Log": this.root,
      "DPkg::Options::": `--root=${this.root}`,
      "DPkg::Post-Invoke-Success::": "",
    };
    const words = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
    return run([program, ...words, ...args], limits);
  }
}

let machine: DebianFolder;

beforeEach(() => {
  machine = new DebianFolder();
  // apt reads packages as another user.
  chmodSync(machine.root, 0o755);
  for (const file of ["var/lib/dpkg/status", "var/lib/dpkg/available", "var/lib/dpkg/updates/.keep"])
    machine.put(`/${file}`, "");
  for (const folder of ["info", "triggers", "parts"]) machine.put(`/var/lib/dpkg/${folder}/.keep`, "");
  for (const folder of ["var/cache/apt/archives/partial", "var/cache/tandem/lists/partial"])
    machine.put(`/${folder}/.keep`, "");
  machine.put("/usr/local/lib/tandem/bundle.list", `deb [trusted=yes] file:${machine.root}/bundle/packages ./\n`);
});
afterEach(() => machine.remove());

/** A package that has one file; added to the bundle's index. */
async function addPackage(name: string, depends: string, conflicts = ""): Promise<void> {
  machine.put(`/src/${name}/DEBIAN/control`, control(name, depends, conflicts));
  machine.put(`/src/${name}/usr/share/${name}`, "file\n");
  machine.put("/bundle/packages/.keep", "");
  const deb = `${name}_1_all.deb`;
  const folder = join(machine.root, "bundle/packages");
  const tool = (argv: Argv) => run(argv, { timeoutMs: 20_000 });
  await tool(["dpkg-deb", "--build", "--root-owner-group", join(machine.root, "src", name), join(folder, deb)]);
  const size = (await tool(["stat", "-c", "%s", join(folder, deb)])).stdout.trim();
  const sha256 = (await tool(["sha256sum", join(folder, deb)])).stdout.slice(0, 64);
  index += `${control(name, depends, conflicts)}Filename: ./${deb}\nSize: ${size}\nSHA256: ${sha256}\n\n`;
  machine.put("/bundle/packages/Packages", index);
}
let index = "";
beforeEach(() => {
  index = "";
});

function control(name: string, depends: string, conflicts: string): string {
  const fields = {
    Package: name,
    Version: "1",
    Architecture: "all",
    Maintainer: "a test <t@example.org>",
    Description: "x",
  };
  return Object.entries({ ...fields, Depends: depends, Conflicts: conflicts })
    .filter(([, value]) => value !== "")
    .map(([field, value]) => `${field}: ${value}\n`)
    .join("");
}

describe("packages", () => {
  it("come from the bundle, with what they depend on and nothing more, without any network", async () => {
    await addPackage("tandem-test-tool", "tandem-test-library");
    await addPackage("tandem-test-library", "");
    await addPackage("tandem-test-other", "");
    expect(await ensurePackages(machine, ["tandem-test-tool"])).toEqual(["tandem-test-tool"]);
    expect(machine.read("/usr/share/tandem-test-tool")).toBe("file\n");
    expect(machine.read("/usr/share/tandem-test-library")).toBe("file\n");
    expect(machine.tree()).not.toContain("/usr/share/tandem-test-other");
    expect(await ensurePackages(machine, ["tandem-test-tool"])).toEqual([]);
  });

  it("do not take the place of others", async () => {
    await addPackage("tandem-test-theirs", "");
    await addPackage("tandem-test-tool", "", "tandem-test-theirs");
    await ensurePackages(machine, ["tandem-test-theirs"]);
    await expect(ensurePackages(machine, ["tandem-test-tool"])).rejects.toThrow(
      "apt-get could not install tandem-test-tool; packages of this machine stand in the way, and Tandem removes none: see " +
        "`apt-get install --simulate tandem-test-tool` for which, remove them if nobody needs them, and run this again:\n",
    );
    expect(machine.read("/usr/share/tandem-test-theirs")).toBe("file\n");
  });

  it("that the bundle lacks are asked for", async () => {
    await addPackage("tandem-test-tool", "tandem-test-library");
    await expect(ensurePackages(machine, ["tandem-test-tool"])).rejects.toThrow(
      "apt-get could not install tandem-test-tool; add them and all that they depend on to the folder `packages` of artifacts.bundle, " +
        "make its index anew, and run this again:\n",
    );
  });
});
