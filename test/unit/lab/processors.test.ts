import { expect, test } from "vitest";
import { usableProcessors } from "../../lab/processors.ts";

test("processors are listed one by one, from ranges and alone", () => {
  expect(usableProcessors("Cpus_allowed:\tb3\nCpus_allowed_list:\t0-1,4-5,7\n")).toEqual([0, 1, 4, 5, 7]);
});

test("this process may run somewhere", () => {
  expect(usableProcessors().length).toBeGreaterThan(0);
});
