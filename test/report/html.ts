import { median } from "../lab/figures.ts";
import { baselineGroup, type ReportData, type Row } from "./data.ts";
import { escaped } from "./markup.ts";
import { distributions, timeline } from "./svg.ts";

const style = `
:root { color-scheme: light dark; --ink: #1c2024; --paper: #fcfcfa; --faint: #6b7280; --line: #d8d8d4; --bar: #3f6fb5; --bad: #c0392b; --good: #2e7d4f; --shade: #f3d9a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e3; --paper: #16181b; --faint: #9aa0a8; --line: #33373d; --bar: #7aa7e8; --bad: #ef7b6c; --good: #6fc391; --shade: #4d3f1d; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 62rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
h1 { font-size: 1.5rem; line-height: 1.2; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; padding: 0; }
.figures div { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.figures b { display: block; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } .wide svg { min-width: 34rem; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; }
svg text { fill: var(--ink); } svg .tick, svg .number { fill: var(--faint); text-anchor: middle; } svg .label { text-anchor: end; }
svg .number { font-size: 8px; }
.grid { stroke: var(--line); } .mark { stroke: var(--faint); stroke-dasharray: 2 3; opacity: .6; } .baseline { stroke: var(--good); stroke-dasharray: 4 3; }
.dot { fill: var(--bar); opacity: .55; } .dot.failed { fill: var(--bad); opacity: 1; } .median { stroke: var(--ink); stroke-width: 2; }
.bar { fill: var(--bar); } .gap { fill: var(--shade); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.passed { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } .faint { color: var(--faint); }
summary { cursor: pointer; padding: .3rem 0; }
`;

/** A page without anything outside itself. @param madeAt ISO 8601 */
export function page(data: ReportData, madeAt: string): string {
  const parts = [figures(data), gaps(data), ...story(data), table(data)];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tandem under torture</title><style>${style}</style></head>
<body><h1>Tandem under torture</h1>
<p class="faint">Made ${escaped(madeAt)} of ${escaped([data.torture, data.bench].filter(Boolean).join(" and ") || "no run")}; ${data.seeds.length > 0 ? `seed ${escaped(data.seeds.join(", "))}` : "no schedules"}. Virtual machines on one host: ratios to trust, milliseconds to distrust.</p>
${parts.join("\n")}
</body></html>
`;
}

function figures({ schedules, totals }: ReportData): string {
  const failed = schedules.filter(({ passed }) => !passed).length;
  const cells: [string, number, boolean][] = [
    ["schedules", schedules.length, false],
    ["failed", failed, failed > 0],
    ["client operations", totals.operations, false],
    ["acknowledged writes lost", totals.lost, totals.lost > 0],
    ["stale reads", totals.stale, totals.stale > 0],
    ["stale in the window of lock 6", totals.staleInWindow, false],
    ["not linearizable", totals.notLinearizable, totals.notLinearizable > 0],
  ];
  const cell = ([what, value, bad]: [string, number, boolean]) =>
    `<div><b${bad ? ' class="failed"' : ""}>${value}</b>${escaped(what)}</div>`;
  return `<div class="figures">${cells.map(cell).join("")}</div>`;
}

function gaps({ schedules, failovers }: ReportData): string {
  const rows = [...failovers, ...schedules];
  if (rows.length === 0) return "";
  return `<h2>Time without an acknowledged write</h2>
<p>One dot for each run, on a logarithmic axis; the bar is the median, the dashed line that of a plain three-node etcd that loses its leader.</p>
<div class="wide">${distributions(rows)}</div>
<div class="wide">${groupTable(rows)}</div>`;
}

function groupTable(rows: readonly Row[]): string {
  const baseline = rows.filter(({ group }) => group === baselineGroup).map(({ gapMs }) => gapMs);
  const lines = [...new Set(rows.map(({ group }) => group))].map((group) => {
    const own = rows.filter((row) => row.group === group);
    const values = own.map(({ gapMs }) => gapMs);
    const home = own.flatMap(({ homeMs }) => homeMs ?? []);
    const ratio = baseline.length > 0 ? (median(values) / median(baseline)).toFixed(2) : "";
    const cells = [
      own.length,
      ms(median(values)),
      ms(Math.max(...values)),
      ratio,
      home.length > 0 ? ms(median(home)) : "",
    ];
    return `<tr><td>${escaped(group)}</td>${cells.map((one) => `<td class="n">${one}</td>`).join("")}</tr>`;
  });
  const head = ["runs", "median ms", "most ms", "ratio", "home again, median ms"];
  return `<table><thead><tr><th>failure</th>${head.map((one) => `<th class="n">${one}</th>`).join("")}</tr></thead><tbody>${lines.join("")}</tbody></table>`;
}

function story({ story: result }: ReportData): string[] {
  if (!result) return [];
  const events = result.events.map(
    ({ atMs, what }) => `<li><span class="n">${(atMs / 1000).toFixed(2)} s</span> ${escaped(what)}</li>`,
  );
  return [
    `<h2>A failover</h2><p>${escaped(result.schedule.name)}: the longest time without an acknowledged write was ${result.gapMs} ms. Shaded: half a second or more without one.</p>
<div class="wide">${timeline(result)}</div><details><summary>What happened when</summary><ol>${events.join("")}</ol></details>`,
  ];
}

function table({ schedules }: ReportData): string {
  const row = (one: Row, i: number) =>
    `<tr><td class="n">${i + 1}</td><td class="${one.passed ? "passed" : "failed"}">${one.passed ? "passed" : "failed"}</td>` +
    `<td>${escaped(one.name)}<div class="faint">${escaped(one.faults)}</div>${one.problems && `<div class="failed">${escaped(one.problems)}</div>`}${one.notTried && `<div>not tried: ${escaped(one.notTried)}</div>`}</td>` +
    `<td class="n">${ms(one.gapMs)}</td><td class="n">${one.homeMs === null ? "" : ms(one.homeMs)}</td><td class="n">${one.operations}</td></tr>`;
  const head = `<tr><th class="n">#</th><th>verdict</th><th>schedule</th><th class="n">gap ms</th><th class="n">home ms</th><th class="n">operations</th></tr>`;
  return `<h2>Schedules</h2><div class="wide"><table><thead>${head}</thead><tbody>${schedules.map(row).join("")}</tbody></table></div>`;
}

function ms(value: number): string {
  return value.toFixed(0);
}
