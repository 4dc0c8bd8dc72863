import { expect, test } from "vitest";
import { LocalReader } from "../../../components/arbiter/agent/linux/local.ts";
import { initialState } from "../../../components/arbiter/agent/state.ts";

const { local } = initialState({
  ...{ site: "s", node: "n1", sibling: "n2", index: 0, leader: "opposite" },
  ...{ waitOffsetMs: 0, bootOffsetMs: 0, readHoldOffMs: 5000, killLimitMs: 2000 },
});

/** A reading that ends when it is told to, and how often one was begun. */
function readings() {
  const ends: (() => void)[] = [];
  const reader = new LocalReader(() => {
    const number = ends.length;
    return new Promise((resolve) => ends.push(() => resolve({ ...local, disarmed: [`reading ${number}`] })));
  });
  const ask = async () => (await reader.fresh()).disarmed[0];
  return { ends, ask };
}

const turn = () => new Promise(setImmediate);

test("a question that comes during a reading gets the next one, and shares it", async () => {
  const { ends, ask } = readings();
  const first = ask();
  const [second, third] = [ask(), ask()];
  ends[0]?.();
  expect(await first).toBe("reading 0");
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  expect(await Promise.all([second, third])).toEqual(["reading 1", "reading 1"]);
});

test("a question at the very end of a reading begins none beside the one that waits", async () => {
  const { ends, ask } = readings();
  const again: Promise<unknown>[] = [];
  const first = ask().then(() => again.push(ask()));
  again.push(ask());
  ends[0]?.();
  await first;
  await turn();
  expect(ends).toHaveLength(2);
  ends[1]?.();
  await turn();
  ends[2]?.();
  const got = await Promise.all(again);
  expect(got).toContain("reading 1");
});

test("after a reading that failed the next is made", async () => {
  let fail = true;
  const reader = new LocalReader(async () => {
    if (fail) throw new Error("unreadable");
    return local;
  });
  const [first, second] = [reader.fresh(), reader.fresh()];
  await expect(first).rejects.toThrow("unreadable");
  await expect(second).rejects.toThrow("unreadable");
  fail = false;
  expect(await reader.fresh()).toEqual(local);
});
