import { expect, test } from "vitest";
import { initialState } from "../../components/arbiter/agent/state.ts";
import type { CoreSettings } from "../../components/arbiter/agent/world.ts";
import { Failure } from "../../components/cli/verb.ts";
import { type Seen, untilProtected, whatIsMissing } from "../../components/cli/wait.ts";

/** Every look shows what `at` says of that second. @returns the seconds that were waited */
async function wait(at: (second: number) => Seen): Promise<number> {
  let ms = 0;
  const clock = {
    now: () => ms,
    sleep: async (forMs: number) => {
      ms += forMs;
    },
  };
  await untilProtected(async () => at(ms / 1000), clock);
  return ms / 1000;
}
const missing = ["- it would not survive the loss of node one: why"];
const apart: Seen = { missing, isResyncing: false };
const resyncing: Seen = { missing, isResyncing: true };
const whole: Seen = { missing: [], isResyncing: false };
const failure = (seconds: number) =>
  new Failure(
    `the site is not protected after ${seconds} s; see \`tandem status\` on both nodes:\n- it would not survive the loss of node one: why`,
  );

test("a site is waited for until it is protected", async () => {
  expect(await wait((second) => (second < 100 ? apart : whole))).toBe(100);
});

test("a site that gets nowhere is given up after three minutes, with what is missing", async () => {
  await expect(wait(() => apart)).rejects.toThrow(failure(180));
});

test("a resync is waited for as long as it runs", async () => {
  expect(await wait((second) => (second < 500 ? resyncing : second < 600 ? apart : whole))).toBe(600);
});

test("a resync without an end is given up, too", async () => {
  await expect(wait(() => resyncing)).rejects.toThrow(failure(800));
});

test("a T that has yet to start again with its new settings is waited for", () => {
  const well = { yes: true, why: "" };
  const survives = { nodeOne: well, nodeTwo: well, witness: well };
  const { local } = initialState({} as CoreSettings);
  expect(whatIsMissing({ survives, local })).toEqual([]);
  expect(whatIsMissing({ survives, local: { ...local, tOutdated: true } })).toEqual([
    "- the third member T has yet to start again with its new settings",
  ]);
});
