import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { MUTATIONS } from "../simulation/mutations/all.ts";

const root = join(import.meta.dirname, "../..");

/** A guard that was moved or written anew takes its mutation along, or nobody would miss it any more. */
test.each(MUTATIONS)("$name: what is to be switched off stands in one place", ({ file, from, to }) => {
  expect(readFileSync(join(root, file), "utf8").split(from)).toHaveLength(2);
  expect(to).not.toBe(from);
});
