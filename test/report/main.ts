/**
 * Makes dist/report.html of the newest runs of `npm run torture` and `npm run bench`, or of those named:
 *
 *     npm run report -- [--torture dist/torture/<time>] [--bench dist/bench/<time>]
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { say } from "../lab/progress.ts";
import { newest, readRuns } from "./data.ts";
import { page } from "./html.ts";

const { values } = parseArgs({ options: { torture: { type: "string" }, bench: { type: "string" } } });
const torture = values.torture ?? newest("dist/torture", "results.csv");
const bench = values.bench ?? newest("dist/bench", "runs.csv");
if (torture === undefined && bench === undefined)
  throw new Error("there is no run to report on: make one with npm run torture or npm run bench");
mkdirSync("dist", { recursive: true });
writeFileSync("dist/report.html", page(readRuns(torture, bench), new Date().toISOString()));
say(`dist/report.html, of ${[torture, bench].filter(Boolean).join(" and ")}`);
