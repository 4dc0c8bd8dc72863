import { expect, test } from "vitest";
import { csv, markdownTable, median, quantile } from "../../lab/figures.ts";

test("the median of an even number of values lies between the middle two", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([5, 1, 3])).toBe(3);
});

test("a quantile lies between its neighbours in proportion", () => {
  expect(quantile([0, 10, 20, 30, 40], 0.99)).toBeCloseTo(39.6);
  expect(quantile([7], 0.99)).toBe(7);
  expect(quantile([], 0.5)).toBeNaN();
});

test("rows of different kinds share one CSV head", () => {
  expect(
    csv([
      { kind: "a", ms: 1 },
      { kind: 'b "x", y', runs: 2 },
    ]),
  ).toBe('kind,ms,runs\na,1,\n"b ""x"", y",,2\n');
});

test("a table has one line per row", () => {
  expect(markdownTable(["what", "ms"], [["gap", "12"]])).toBe("| what | ms |\n| --- | --- |\n| gap | 12 |\n");
});
