import { median } from "../lab/figures.ts";
import { type Result, slotMs } from "../torture/results.ts";
import { baselineGroup, type Row } from "./data.ts";
import { escaped } from "./markup.ts";

const width = 720;
const labelWidth = 190;
const leastMs = 50;

/** A dot for each run on a logarithmic axis, a line at each group's median, and one through all at the baseline's. */
export function distributions(rows: readonly Row[]): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const mostMs = Math.max(10_000, ...rows.map(({ gapMs }) => gapMs)) * 1.1;
  const x = (ms: number) =>
    labelWidth +
    ((Math.log(Math.max(ms, leastMs)) - Math.log(leastMs)) / (Math.log(mostMs) - Math.log(leastMs))) *
      (width - labelWidth - 10);
  const rowHeight = 24;
  const height = groups.length * rowHeight + 34;
  const ticks = [100, 300, 1000, 3000, 10_000, 30_000, 100_000].filter((ms) => ms <= mostMs);
  const axis = ticks.map(
    (ms) =>
      `<line class="grid" x1="${at(x(ms))}" x2="${at(x(ms))}" y1="0" y2="${height - 24}"/>` +
      `<text class="tick" x="${at(x(ms))}" y="${height - 8}">${ms < 1000 ? `${ms} ms` : `${ms / 1000} s`}</text>`,
  );
  const baseline = rows.filter(({ group }) => group === baselineGroup).map(({ gapMs }) => gapMs);
  if (baseline.length > 0) {
    const middle = at(x(median(baseline)));
    axis.push(`<line class="baseline" x1="${middle}" x2="${middle}" y1="0" y2="${height - 24}"/>`);
  }
  const bands = groups.map((group, i) => {
    const y = i * rowHeight + rowHeight / 2;
    const own = rows.filter((row) => row.group === group);
    const dots = own.map(
      (row) =>
        `<circle class="${row.passed ? "dot" : "dot failed"}" cx="${at(x(row.gapMs))}" cy="${y}" r="4">` +
        `<title>${escaped(row.name)}: ${row.gapMs} ms</title></circle>`,
    );
    const middle = at(x(median(own.map(({ gapMs }) => gapMs))));
    const line = `<line class="median" x1="${middle}" x2="${middle}" y1="${y - 9}" y2="${y + 9}"/>`;
    return `<text class="label" x="${labelWidth - 10}" y="${y + 4}">${escaped(group)}</text>${dots.join("")}${line}`;
  });
  return picture(height, "Times without an acknowledged write, by kind of failure", [...axis, ...bands]);
}

/** Acknowledged writes through each endpoint, with a numbered mark for each event. */
export function timeline({ acknowledgedPerSlot, events, gaps, tookMs }: Result): string {
  const slots = Object.values(acknowledgedPerSlot);
  const endMs = Math.max(tookMs, ...slots.map((slot) => slot.length * slotMs));
  const most = Math.max(1, ...slots.flat());
  const x = (ms: number) => 40 + (ms / endMs) * (width - 50);
  const laneHeight = 70;
  const height = slots.length * laneHeight + 60;
  const lanes = Object.entries(acknowledgedPerSlot).map(([endpoint, counts], i) => {
    const floor = (i + 1) * laneHeight + 20;
    const bars = counts.map((count, slot) => {
      if (count === 0) return "";
      const tall = (count / most) * (laneHeight - 14);
      const wide = Math.max(0.5, x(slotMs) - x(0));
      return `<rect class="bar" x="${at(x(slot * slotMs))}" y="${at(floor - tall)}" width="${at(wide)}" height="${at(tall)}"/>`;
    });
    return `<text class="label" x="34" y="${floor - 4}">${escaped(endpoint)}</text><line class="grid" x1="40" x2="${width}" y1="${floor}" y2="${floor}"/>${bars.join("")}`;
  });
  const shades = gaps.map(
    (gap) =>
      `<rect class="gap" x="${at(x(gap.atMs))}" y="20" width="${at(x(gap.ms) - x(0))}" height="${slots.length * laneHeight}">` +
      `<title>${gap.ms} ms without an acknowledged write</title></rect>`,
  );
  const marks = events.map(({ atMs, what }, i) => {
    const middle = at(x(Math.max(0, atMs)));
    // Marks of moments close to each other stand on two lines.
    return `<line class="mark" x1="${middle}" x2="${middle}" y1="${i % 2 === 0 ? 12 : 18}" y2="${height - 40}"/><text class="number" x="${middle}" y="${i % 2 === 0 ? 10 : 17}">${i + 1}<title>${escaped(what)}</title></text>`;
  });
  const step = endMs > 40_000 ? 10_000 : 5000;
  const ticks = Array.from({ length: Math.floor(endMs / step) + 1 }, (_, i) => i * step).map(
    (ms) => `<text class="tick" x="${at(x(ms))}" y="${height - 12}">${ms / 1000} s</text>`,
  );
  return picture(height, "Acknowledged writes through each endpoint around a failover", [
    ...shades,
    ...lanes,
    ...marks,
    ...ticks,
  ]);
}

function picture(height: number, title: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${parts.join("")}</svg>`;
}

function at(value: number): string {
  return value.toFixed(1);
}
