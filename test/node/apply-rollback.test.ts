import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyBundle } from "../../components/cli/apply/apply.ts";
import type { ApplyBundle } from "../../components/cli/apply/bundle-type.ts";
import { removeBundle } from "../../components/cli/apply/remove.ts";
import { run } from "../../components/cli/process.ts";
import { FakeMachine, PowerCut } from "./fake-machine.ts";

const program = "/usr/local/bin/tool";
const settings = "/etc/tool.conf";
const unit = "tool.service";
const component = "tool";

let machine: FakeMachine;

beforeEach(() => {
  machine = new FakeMachine();
  machine.reads.set(unit, [program, settings]);
});

afterEach(() => {
  machine.remove();
});

/** A release of one program, which works if its text says so. */
async function release(text: string, { rollBack = true } = {}): Promise<ApplyBundle> {
  const folder = `/opt/${text.replaceAll(" ", "-")}`;
  machine.put(`${folder}/tool`, text);
  const { stdout } = await run(["sha256sum", join(machine.root, folder, "tool")], { timeoutMs: 10_000 });
  return {
    component,
    artifacts: [
      {
        name: "tool",
        url: "https://example.org/tool",
        folder,
        sha256: stdout.slice(0, 64),
        install: { [program]: "." },
      },
    ],
    files: { [settings]: { mode: "0644", content: `for ${text}\n` } },
    units: [{ name: unit, state: "started", restartOn: [program, settings] }],
    prove: [{ kind: "succeeds", command: ["grep", "-q", "works", join(machine.root, program)], withinSeconds: 0 }],
    rollBack,
  };
}

describe("a component that can go back", () => {
  it("goes back to what worked, program, file and unit, and says so", async () => {
    await applyBundle(machine, await release("one works"));
    await expect(applyBundle(machine, await release("two fails"))).rejects.toThrow(
      /^tool was put back as it was before, and works again, because what was asked for does not: `grep .*` still fails after 0 s/,
    );
    expect(machine.read(program)).toBe("one works");
    expect(machine.read(settings)).toBe("for one works\n");
    expect(machine.running()).toEqual({ [unit]: "current" });
    expect(await applyBundle(machine, await release("one works"))).toEqual([]);
  });

  it("takes the next release that works", async () => {
    await applyBundle(machine, await release("one works"));
    await expect(applyBundle(machine, await release("two fails"))).rejects.toThrow();
    await applyBundle(machine, await release("three works"));
    expect(machine.read(program)).toBe("three works");
    await expect(applyBundle(machine, await release("four fails"))).rejects.toThrow();
    expect(machine.read(program)).toBe("three works");
  });

  it("goes back across file systems, and to the mode that its files had", async () => {
    const elsewhere = mkdtempSync("/dev/shm/tandem-rollback-");
    try {
      mkdirSync(join(machine.root, "usr/local"), { recursive: true });
      symlinkSync(elsewhere, join(machine.root, "usr/local/bin"));
      const archive = (bundle: ApplyBundle): ApplyBundle => ({
        ...bundle,
        artifacts: (bundle.artifacts ?? []).map((artifact) => ({ ...artifact, mode: "0644" })),
      });
      await applyBundle(machine, archive(await release("one works")));
      await expect(applyBundle(machine, archive(await release("two fails")))).rejects.toThrow(/put back/);
      expect(machine.read(program)).toBe("one works");
      expect(machine.mode(program)).toBe("0644");
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it("has nowhere to go when it has never worked", async () => {
    await expect(applyBundle(machine, await release("one fails"))).rejects.toThrow(/^`grep .*` still fails after 0 s/);
    expect(machine.read(program)).toBe("one fails");
  });

  it("stays where it failed without leave to go back", async () => {
    await applyBundle(machine, await release("one works", { rollBack: false }));
    await expect(applyBundle(machine, await release("two fails", { rollBack: false }))).rejects.toThrow(/still fails/);
    expect(machine.read(program)).toBe("two fails");
  });

  it("ends in one of the two states that work, wherever power is cut on the way, once it is applied again", async () => {
    for (let steps = 0; ; steps++) {
      machine.remove();
      machine = new FakeMachine();
      machine.reads.set(unit, [program, settings]);
      const one = await release("one works");
      const two = await release("two fails");
      await applyBundle(machine, one);
      machine.stepsLeft = steps;
      const ended = await applyBundle(machine, two).catch((error: unknown) => error);
      machine.stepsLeft = Number.POSITIVE_INFINITY;
      await expect(applyBundle(machine, two)).rejects.toThrow(/put back/);
      expect(machine.read(program), `${steps} steps`).toBe("one works");
      expect(machine.running(), `${steps} steps`).toEqual({ [unit]: "current" });
      if (!(ended instanceof PowerCut)) break;
    }
  });

  it("has the way back still, wherever power is cut while a release that works is applied", async () => {
    for (let steps = 0; ; steps++) {
      machine.remove();
      machine = new FakeMachine();
      machine.reads.set(unit, [program, settings]);
      await applyBundle(machine, await release("one works"));
      machine.stepsLeft = steps;
      const ended = await applyBundle(machine, await release("two works")).catch((error: unknown) => error);
      machine.stepsLeft = Number.POSITIVE_INFINITY;
      await expect(applyBundle(machine, await release("three fails"))).rejects.toThrow(/put back/);
      expect(machine.read(program), `${steps} steps`).toMatch(/^(one|two) works$/);
      expect(machine.running(), `${steps} steps`).toEqual({ [unit]: "current" });
      if (!(ended instanceof PowerCut)) break;
    }
  });

  it("puts nothing of a release into its place of which a part is missing, and goes on with what it had", async () => {
    await applyBundle(machine, await release("one works"));
    const two = await release("two works");
    const missing = {
      name: "other",
      url: "https://example.org/other",
      folder: "/opt",
      sha256: "0".repeat(64),
      install: {},
    };
    const half = { ...two, artifacts: [...(two.artifacts ?? []), missing] };
    await expect(applyBundle(machine, half)).rejects.toThrow(/put back .*\/opt\/other is missing/s);
    expect(machine.read(program)).toBe("one works");
    expect(await applyBundle(machine, await release("one works"))).toEqual([]);
  });

  it("leaves nothing of it behind when it is removed", async () => {
    const one = await release("one works");
    await applyBundle(machine, one);
    expect(existsSync(join(machine.root, "var/lib/tandem/good/tool"))).toBe(true);
    await removeBundle(machine, one);
    expect(existsSync(join(machine.root, "var/lib/tandem/good"))).toBe(false);
  });
});
