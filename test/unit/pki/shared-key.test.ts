import { describe, expect, it } from "vitest";
import { ProviderRun, secretOutputs, text } from "./provider-run.ts";

const run = new ProviderRun("SharedKey");
const key = { bytes: 32, rotation: 0 };
const predecessors = (state: { [name: string]: unknown }) => (state.predecessorsBase64 as { value: string[] }).value;

describe("a key that rotates", () => {
  it("has a successor from its start, and all of it is secret", async () => {
    const made = await run.create(key);
    expect(Buffer.from(text(made, "base64"), "base64")).toHaveLength(32);
    expect(text(made, "successorBase64")).not.toBe(text(made, "base64"));
    expect(predecessors(made.state)).toEqual([]);
    expect(secretOutputs(made).sort()).toEqual(["base64", "predecessorsBase64", "successorBase64"]);
    expect(await run.preview(made, key)).toBe("same");
  });

  it("is handed over to the successor that everybody knows, and forgets none", async () => {
    const first = await run.create(key);
    expect(await run.preview(first, { ...key, rotation: 1 })).toEqual(["rotation"]);
    const second = await run.update(first, { ...key, rotation: 1 });
    const third = await run.update(second, { ...key, rotation: 2 });
    expect(text(second, "base64")).toBe(text(first, "successorBase64"));
    expect(text(third, "base64")).toBe(text(second, "successorBase64"));
    expect(predecessors(third.state)).toEqual([text(first, "base64"), text(second, "base64")]);
    expect(new Set([first, second, third].map((each) => text(each, "successorBase64"))).size).toBe(3);
  });

  it("that an earlier release made gets a successor first, which nobody knows yet", async () => {
    const older = await run.create({ bytes: 32 });
    const { successorBase64, ...state } = older.state;
    expect(successorBase64).toBe(undefined);
    const updated = await run.update({ ...older, state }, { ...key, rotation: 7 });
    expect(text(updated, "base64")).toBe(text(older, "base64"));
    expect(predecessors(updated.state)).toEqual([]);
    const rotated = await run.update(updated, { ...key, rotation: 8 });
    expect(text(rotated, "base64")).toBe(text(updated, "successorBase64"));
  });
});

it("a key that stays has no successor", async () => {
  const made = await run.create({ bytes: 32 });
  expect(secretOutputs(made)).toEqual(["base64"]);
  expect(await run.problems({ bytes: 8 })).toEqual(["bytes is 8; it must be a whole number, at least 16"]);
});
