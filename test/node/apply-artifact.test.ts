import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyBundle } from "../../components/cli/apply/apply.ts";
import type { ApplyBundle } from "../../components/cli/apply/bundle-type.ts";
import { run } from "../../components/cli/process.ts";
import { FakeMachine } from "./fake-machine.ts";

let machine: FakeMachine;

beforeEach(() => {
  machine = new FakeMachine();
});

afterEach(() => {
  machine.remove();
});

describe("an artifact", () => {
  const installed = "/usr/local/bin/tool";
  const pack = async () => {
    machine.put("/src/tool-v1/tool", "#!/bin/sh\necho 1\n");
    machine.put("/opt/bundle/.keep", "");
    await run(
      ["tar", "-czf", join(machine.root, "opt/bundle/tool-v1.tar.gz"), "-C", join(machine.root, "src"), "tool-v1"],
      { timeoutMs: 10_000 },
    );
    const { stdout } = await run(["sha256sum", join(machine.root, "opt/bundle/tool-v1.tar.gz")], { timeoutMs: 10_000 });
    return stdout.slice(0, 64);
  };
  const bundle = (sha256: string): ApplyBundle => ({
    component: "tool",
    artifacts: [
      {
        name: "tool",
        url: "https://example.org/v1/tool-v1.tar.gz",
        folder: "/opt/bundle",
        sha256,
        install: { [installed]: "tool-v1/tool" },
      },
    ],
  });

  it("is unpacked from the folder, once", async () => {
    const sha256 = await pack();
    expect(await applyBundle(machine, bundle(sha256))).toContain("installed tool");
    expect(machine.read(installed)).toBe("#!/bin/sh\necho 1\n");
    expect(machine.mode(installed)).toBe("0755");
    expect(await applyBundle(machine, bundle(sha256))).toEqual([]);
  });

  it("that is no program has the mode that it asks for", async () => {
    machine.put("/opt/bundle/images.tar.zst", "images");
    const sha256 = createHash("sha256").update("images").digest("hex");
    const url = "https://example.org/v1/images.tar.zst";
    const install = { "/var/lib/tool/images.tar.zst": "." };
    const images = { name: "images", url, folder: "/opt/bundle", sha256, install, mode: "0644" };
    await applyBundle(machine, { component: "tool", artifacts: [images] });
    expect(machine.read("/var/lib/tool/images.tar.zst")).toBe("images");
    expect(machine.mode("/var/lib/tool/images.tar.zst")).toBe("0644");
  });

  it("is installed again when somebody has changed the program", async () => {
    const sha256 = await pack();
    await applyBundle(machine, bundle(sha256));
    machine.put(installed, "changed");
    expect(await applyBundle(machine, bundle(sha256))).toEqual(["installed tool"]);
    expect(machine.read(installed)).toBe("#!/bin/sh\necho 1\n");
  });

  it("with another sha256 is not unpacked; both sums are told", async () => {
    const sha256 = await pack();
    const wanted = createHash("sha256").update("another").digest("hex");
    await expect(applyBundle(machine, bundle(wanted))).rejects.toThrow(
      `/opt/bundle/tool-v1.tar.gz is not the file that the site's configuration pins:\n    sha256 wanted ${wanted}\n` +
        `    sha256 found  ${sha256}\nNothing of it was unpacked. Compare both with the sums published for tool; correct the ` +
        "configuration, or replace the file.",
    );
    expect(existsSync(join(machine.root, installed))).toBe(false);
  });

  it("that is missing in the folder is asked for", async () => {
    await expect(applyBundle(machine, bundle("0".repeat(64)))).rejects.toThrow(
      "/opt/bundle/tool-v1.tar.gz is missing; copy tool-v1.tar.gz (from https://example.org/v1/tool-v1.tar.gz) into " +
        "/opt/bundle on this machine and run this again",
    );
  });
});
