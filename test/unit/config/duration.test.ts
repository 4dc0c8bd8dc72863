import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatDuration, parseDays, parseDuration, parseSize } from "../../../components/config/duration.ts";

describe("durations", () => {
  it.each([
    ["0ms", 0],
    ["500ms", 500],
    ["15s", 15_000],
    ["2m", 120_000],
    ["1h", 3_600_000],
  ])("%s is %d ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    "",
    "500",
    "1.5s",
    "-1s",
    "1 s",
    " 1s",
    "1S",
    "1s ",
    "1d",
    "s",
    "1e3ms",
    "9999999999ms",
  ])("refuses %j", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  it("are read back as they were written", () => {
    fc.assert(
      fc.property(fc.nat({ max: 999_999_999 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it("are written in the largest unit that loses nothing", () => {
    expect([0, 999, 1000, 1500, 60_000, 61_000, 7_200_000].map(formatDuration)).toEqual([
      "0ms",
      "999ms",
      "1s",
      "1500ms",
      "1m",
      "61s",
      "2h",
    ]);
  });
});

describe("days", () => {
  it("come in days and in years of 365 days", () => {
    expect(["0d", "30d", "1y", "12h", "1"].map(parseDays)).toEqual([0, 30, 365, undefined, undefined]);
  });
});

describe("sizes", () => {
  it("come in powers of two", () => {
    expect(["4KiB", "64MiB", "2GiB", "1GB", "1G", "1"].map(parseSize)).toEqual([
      4096,
      67_108_864,
      2_147_483_648,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
