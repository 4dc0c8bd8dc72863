import { expect, test } from "vitest";
import { stateOfStatus } from "../../../components/arbiter/agent/linux/units.ts";

const status = (state: string, pending = "0000000000000000", shared = "0000000000000000") =>
  `Name:\tetcd\nState:\t${state}\nThreads:\t12\nSigPnd:\t${pending}\nShdPnd:\t${shared}\nSigCgt:\tfffffffe7fc1feff\n`;

test.each([
  ["asleep", status("S (sleeping)"), 12, "running"],
  ["in the kernel, not killed", status("D (disk sleep)"), 12, "running"],
  ["killed, and held by the frozen volume", status("D (disk sleep)", "0000000000000100"), 12, "dying"],
  ["killed as a whole process", status("D (disk sleep)", "0000000000000000", "0000000000000100"), 12, "dying"],
  ["asked to end, which it may refuse", status("S (sleeping)", "0000000000000000", "0000000000004000"), 12, "running"],
  ["its main thread gone, another held", status("Z (zombie)"), 2, "dying"],
  ["gone, and only not yet noticed by its parent", status("Z (zombie)"), 1, "dead"],
])("a process %s", (_, text, threads, expected) => {
  expect(stateOfStatus(text, threads)).toBe(expected);
});
