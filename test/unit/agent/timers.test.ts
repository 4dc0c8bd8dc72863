import { expect, test } from "vitest";
import { HELLO, Scripted, VOLUME } from "./scripted.ts";

const NONE = { healthy: false, leader: "none", applied: 0 } as const;

/** Node one with T, in a site where all is as rule 1 wants it. */
function atHome(): Scripted {
  const agent = new Scripted(0).start(VOLUME.holder, { mounted: true, t: "running" }).heard(true);
  return agent.polled("E2").sibling(HELLO);
}

function asksSiblingIn(agent: Scripted): number | undefined {
  const timer = agent.actions.find((action) => action.kind === "timer" && action.name === "greet");
  return timer?.kind === "timer" ? timer.ms : undefined;
}

test("a site at home is asked seldom", () => {
  expect(asksSiblingIn(atHome())).toBe(5000);
});

test("while a step of a return waits for an answer, questions come sooner", () => {
  expect(asksSiblingIn(atHome().sibling({ ...HELLO, disarmed: ["token"] }))).toBe(1000);
  expect(asksSiblingIn(atHome().sibling({ ...HELLO, members: NONE }))).toBe(1000);
  expect(asksSiblingIn(atHome().polled("E1").sibling(HELLO))).toBe(1000);
  expect(asksSiblingIn(atHome().polled("none").sibling(HELLO))).toBe(1000);
});

test("node two asks sooner until T runs on node one", () => {
  const two = new Scripted(1).start(VOLUME.other).heard(true).polled("E2");
  const one = { ...HELLO, role: "Primary", mounted: true } as const;
  expect(asksSiblingIn(two.sibling({ ...one, t: "dead" }))).toBe(1000);
  expect(asksSiblingIn(two.sibling({ ...one, t: "running" }))).toBe(5000);
});

test("apart, questions come quickly", () => {
  expect(asksSiblingIn(new Scripted(1).start(VOLUME.lone).heard(true).sibling(null))).toBe(200);
});
