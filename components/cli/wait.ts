import { setTimeout as sleep } from "node:timers/promises";
import { SOCKET } from "../arbiter/agent/paths.ts";
import type { StatusReport } from "../arbiter/agent/status.ts";
import { askAgent } from "./status.ts";
import { Failure, type Verb } from "./verb.ts";

const POLL_MS = 500;
const PATIENCE_MS = 180_000;
/** While a resync runs, which copies a whole volume to a new machine. */
const LONGEST_MS = 800_000;

export const wait: Verb = {
  usage: "wait protected",
  summary:
    "Waits until the site survives the loss of either node or of the witness: up to three minutes, and as long as a resync runs.",
  async run(args) {
    if (args.length !== 1 || args[0] !== "protected") {
      throw new Failure(`\`tandem wait\` knows \`protected\`, not ${JSON.stringify(args.join(" "))}`);
    }
    await untilProtected(look);
  },
};

/** What is seen at one moment. */
export interface Seen {
  /** One line per loss that the site would not survive now. */
  readonly missing: readonly string[];
  readonly isResyncing: boolean;
}

/** @throws Failure with what is missing */
export async function untilProtected(
  look: () => Promise<Seen>,
  clock: { now(): number; sleep(ms: number): Promise<void> } = { now: Date.now, sleep },
): Promise<void> {
  const began = clock.now();
  let progress = began;
  for (;;) {
    const { missing, isResyncing } = await look();
    if (missing.length === 0) return;
    const now = clock.now();
    if (isResyncing) progress = now;
    if (now - progress >= PATIENCE_MS || now - began >= LONGEST_MS) {
      const waited = `${Math.round((now - began) / 1000)} s`;
      throw new Failure(
        [`the site is not protected after ${waited}; see \`tandem status\` on both nodes:`, ...missing].join("\n"),
      );
    }
    await clock.sleep(POLL_MS);
  }
}

async function look(): Promise<Seen> {
  const asked = await askAgent(SOCKET);
  if ("failure" in asked) return { missing: [`- the agent does not answer: ${asked.failure}`], isResyncing: false };
  const report = JSON.parse(asked.json) as StatusReport;
  return { missing: whatIsMissing(report), isResyncing: report.local.volume.sync !== "none" };
}

/** One line per loss that the site would not survive; also for a T that is about to start again. */
export function whatIsMissing({ survives, local }: Pick<StatusReport, "survives" | "local">): string[] {
  const { nodeOne, nodeTwo, witness } = survives;
  const losses = Object.entries({ "node one": nodeOne, "node two": nodeTwo, "the witness": witness })
    .filter(([, { yes }]) => !yes)
    .map(([part, { why }]) => `- it would not survive the loss of ${part}: ${why}`);
  return local.tOutdated ? [...losses, "- the third member T has yet to start again with its new settings"] : losses;
}
