import { describe, expect, it } from "vitest";
import { reportOf } from "../../e2e/api/api-load.ts";
import type { Line } from "../../e2e/api/main.ts";

const write = (n: number, ms: number): Line => ({
  kind: "write",
  n,
  invokeNs: (ms - 1) * 1e6,
  returnNs: ms * 1e6,
  server: "https://10.77.1.10:6443",
});
const event = (n: number, revision: number): Line => ({ kind: "event", n, revision: String(revision), returnNs: 0 });

const lease = (holder: string, acquiredMs: number, renewedMs: number): Line => ({
  kind: "lease",
  manager: "kube-scheduler",
  holder,
  acquiredMs,
  renewedMs,
});
const renewMs = 21_000;

describe("what clients of the API saw", () => {
  it("has the longest time between two acknowledged writes, of all and between two moments", () => {
    const report = reportOf(
      [
        ...[write(1, 10), write(2, 60), write(5, 1360), write(6, 1400)],
        ...[event(1, 7), event(2, 8), event(4, 9), event(5, 11), event(6, 12)],
      ],
      renewMs,
    );
    expect(report.acknowledged).toBe(4);
    expect(report.gapMs).toBe(1300);
    expect(report.gapBetween(1000e6, 2000e6)).toBe(40);
  });

  it("is wrong when the watch did not tell of an acknowledged write", () => {
    expect(() => reportOf([write(1, 10), write(2, 60), event(2, 8)], renewMs)).toThrow(
      "no event of write 1, which was acknowledged",
    );
  });

  it("is wrong when an older event comes after a newer one", () => {
    expect(() => reportOf([write(1, 10), write(2, 60), event(2, 10), event(1, 9)], renewMs)).toThrow(
      "the event of write 1, revision 9, came after a newer one",
    );
  });

  it("is wrong when the watch could not be taken up where it was", () => {
    const lost: Line = { kind: "watch-lost", reason: "410: too old resource version", returnNs: 0 };
    expect(() => reportOf([write(1, 10), event(1, 8), lost], renewMs)).toThrow("the watch was broken off: 410");
  });

  it("is right when a lease is given back, or taken after the former holder has given up", () => {
    const lines = [
      lease("n1_a", 0, 4000),
      lease("n2_b", 27_000, 27_000),
      lease("", 27_000, 28_000),
      lease("n1_a", 28_100, 28_100),
    ];
    expect(reportOf(lines, renewMs).acknowledged).toBe(0);
  });

  it("is wrong when a manager may have been at work beside the next", () => {
    expect(() => reportOf([lease("n1_a", 0, 4000), lease("n2_b", 24_900, 24_900)], renewMs)).toThrow(
      "n2_b took the lease of kube-scheduler 20900 ms after n1_a had renewed it",
    );
  });
});
