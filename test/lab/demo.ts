/** npm start: a site comes to be on virtual machines, one of its nodes loses power, and writes go on. */
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { assertNone, type Load } from "../e2e/load/load.ts";
import { Site } from "../e2e/site.ts";
import { atExit } from "./cleanup.ts";
import { cutNode, cutPlainLeader } from "./failover.ts";
import { median } from "./figures.ts";
import { Lab, PLAIN_GUESTS, SITE_GUESTS } from "./lab.ts";
import { PlainEtcd } from "./plain-etcd.ts";
import { say, seconds, step } from "./progress.ts";

/** The name that `npm run lab` takes where none is given. */
const defaultName = "lab";
const baselineRuns = 3;

async function demo(name: string, keep: boolean): Promise<string> {
  say("\nOne of three: what to compare with. An ordinary etcd on three machines, whose leader loses power");
  const baselineMs = await baseline(name);
  say(
    "\nTwo of three: a Tandem site comes to be. Two nodes and a witness boot, and `pulumi up` installs everything on them",
  );
  const lab = await Lab.start({ name, guests: SITE_GUESTS, detached: keep });
  // One that is to stay does so only when all has gone well.
  const forgetExit = atExit(() => lab.stopNow());
  const site = await Site.prepare(lab);
  await step("pulumi up: a site from stacks/Pulumi.lab.yaml", (note) => site.up([], { onOutput: lastLine(note) }));
  await step("wait until the site survives the loss of any one machine", () => site.untilAtHome());
  await showStatus(site, "n1");

  say("\nThree of three: node one, which has two of the three votes, loses power while clients write, and comes back");
  const started = Date.now();
  const tell = (text: string) => say(`[${seconds(started)}] ${text}`);
  tell("a writer and a reader work on each node; node one runs the third member");
  const result = await cutNode(site, "n1", async (news, load) => {
    if (news === "cut") tell("node one has lost its power");
    if (news === "going on") {
      tell(
        `writes go on through node two, after ${load.progress.longestGapMs} ms without one (three-node etcd: ${baselineMs.toFixed(0)} ms):`,
      );
      await watch(load, tell);
      await showStatus(site, "n2");
      tell("node one gets its power back");
    }
    if (news === "power back") tell("node one has booted; its copy catches up");
    if (news === "home") tell("node one has taken the third member back, while writes went on");
  });
  tell(`longest time without a write during the return: ${result.returnGapMs.toFixed(0)} ms`);
  await showStatus(site, "n1");
  await step("compare the data of all three members", () => site.hashesAgree());
  // Of lost writes the last line tells.
  if (result.violations.length > result.lost.length) assertNone(result.violations);
  forgetExit();
  if (keep) tellHowToLookAround(lab);
  else await lab.stop();
  const ratio = (result.gapMs / baselineMs).toFixed(2);
  return (
    `failover: write gap ${result.gapMs.toFixed(0)} ms (three-node etcd in the same lab: ${baselineMs.toFixed(0)} ms, ` +
    `ratio ${ratio}), acknowledged writes lost: ${result.lost.length}`
  );
}

/** Milliseconds without writes when a plain three-node etcd loses its leader. */
async function baseline(name: string): Promise<number> {
  const lab = await Lab.start({ name, guests: PLAIN_GUESTS });
  const etcd = await step("a plain three-node etcd", () => PlainEtcd.start(lab));
  const gaps: number[] = [];
  for (let run = 1; run <= baselineRuns; run++) {
    const { gapMs } = await step(`its leader loses power (${run} of ${baselineRuns})`, () => cutPlainLeader(lab, etcd));
    say(`  write gap ${gapMs.toFixed(0)} ms`);
    gaps.push(gapMs);
  }
  await lab.stop();
  return median(gaps);
}

/** Shows for some seconds what each endpoint acknowledges. */
async function watch(load: Load, tell: (text: string) => void): Promise<void> {
  for (let look = 0; look < 3; look++) {
    await sleep(1000);
    const counts = Object.entries(load.progress.acknowledged).map(([endpoint, count]) => `${endpoint} ${count}`);
    tell(`  acknowledged so far: ${counts.join(", ")}`);
  }
}

async function showStatus(site: Site, node: "n1" | "n2"): Promise<void> {
  const { stdout } = await site.guest(node).run("tandem status");
  say(`\n$ ssh ${node} tandem status\n${stdout}`);
}

function lastLine(note: (detail: string) => void): (text: string) => void {
  return (text) => note(text.trim().split("\n").at(-1) ?? "");
}

function tellHowToLookAround(lab: Lab): void {
  const option = lab.name === defaultName ? "" : ` --name ${lab.name}`;
  say(`The lab stays up. To look around:
  npm run lab --${option} ssh n1 tandem status          what node one thinks
  npm run lab --${option} kill n2                       power cut of node two; "boot n2" gives power back
  npm run lab --${option} cut n1 n2 backend             cut the direct link; "heal" takes it back
  npm run lab --${option} exec pulumi -C . preview --stack lab --config-file ${lab.folder}/Pulumi.lab.yaml --diff
  npm run lab --${option} down                          end it`);
}

const { values } = parseArgs({
  options: { keep: { type: "boolean", default: false }, name: { type: "string", default: defaultName } },
});
try {
  process.stdout.write(`${await demo(values.name, values.keep)}\n`);
} catch (error) {
  say(`✗ ${(error as Error).message}`);
  process.exit(1);
}
