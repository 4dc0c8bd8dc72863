import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyBundle } from "../../components/cli/apply/apply.ts";
import { removeBundle } from "../../components/cli/apply/remove.ts";
import { example } from "./apply-example.ts";
import { FakeMachine, PowerCut } from "./fake-machine.ts";

let machine: FakeMachine;

beforeEach(() => {
  machine = new FakeMachine();
});

afterEach(() => {
  machine.remove();
});

describe("a power cut at any step", { timeout: 60_000 }, () => {
  const states = [
    example("one"),
    example("two", { files: { ...example("two").files, "/etc/example/more": { mode: "0600", content: "m" } } }),
  ] as const;
  const [from, to] = states;

  /** Runs `work` with the power cut at every step in turn, each time on a new machine. @returns how many steps it has */
  async function atEveryStep(
    prepare: () => Promise<void>,
    work: () => Promise<unknown>,
    check: () => Promise<void>,
  ): Promise<number> {
    for (let step = 0; ; step++) {
      machine.remove();
      machine = new FakeMachine();
      machine.reads.set("a.service", ["/etc/example/a.json"]);
      machine.answers.set("systemd-analyze", {});
      await prepare();
      machine.stepsLeft = step;
      let ended = false;
      try {
        await work();
        ended = true;
      } catch (error) {
        if (!(error instanceof PowerCut)) throw error;
      }
      machine.stepsLeft = Number.POSITIVE_INFINITY;
      await check();
      if (ended) return step;
    }
  }

  const isAsDeclared = async () => {
    await applyBundle(machine, to);
    expect(machine.running()).toEqual({ "a.service": "current", "b.service": "current" });
    expect(machine.tree().filter((path) => path.includes(".tandem-"))).toEqual([]);
    for (const [path, { content }] of Object.entries(to.files ?? {})) expect(machine.read(path)).toBe(content);
    expect(await applyBundle(machine, to)).toEqual([]);
  };

  it("of the first apply is made up for by the next", async () => {
    const steps = await atEveryStep(
      async () => {},
      () => applyBundle(machine, to),
      isAsDeclared,
    );
    expect(steps).toBeGreaterThan(15);
  });

  it("of an update is made up for by the next: what has changed is restarted", async () => {
    const steps = await atEveryStep(
      async () => void (await applyBundle(machine, from)),
      () => applyBundle(machine, to),
      isAsDeclared,
    );
    expect(steps).toBeGreaterThan(6);
  });

  it("of a removal is made up for by the next", async () => {
    const steps = await atEveryStep(
      async () => void (await applyBundle(machine, to)),
      () => removeBundle(machine, to),
      async () => {
        await removeBundle(machine, to);
        expect(machine.tree()).toEqual([]);
        expect(machine.running()).toEqual({});
      },
    );
    expect(steps).toBeGreaterThan(8);
  });
});
