import { setTimeout as sleep } from "node:timers/promises";
import { SOCKET } from "../arbiter/agent/paths.ts";
import type { StatusReport } from "../arbiter/agent/status.ts";
import { askAgent } from "./status.ts";
import { Failure, type Verb } from "./verb.ts";

const POLL_MS = 500;
const PATIENCE_MS = 180_000;

export const wait: Verb = {
  usage: "wait protected",
  summary: "Waits, up to three minutes, until the site survives the loss of either node or of the witness.",
  async run(args) {
    if (args.length !== 1 || args[0] !== "protected") {
      throw new Failure(`\`tandem wait\` knows \`protected\`, not ${JSON.stringify(args.join(" "))}`);
    }
    const deadline = Date.now() + PATIENCE_MS;
    let missing = await whatIsMissing();
    while (missing.length > 0 && Date.now() < deadline) {
      await sleep(POLL_MS);
      missing = await whatIsMissing();
    }
    if (missing.length === 0) return;
    throw new Failure(
      [
        `the site is not protected after ${PATIENCE_MS / 1000} s; see \`tandem status\` on both nodes:`,
        ...missing,
      ].join("\n"),
    );
  },
};

/** One line per loss that the site would not survive now. */
async function whatIsMissing(): Promise<string[]> {
  const asked = await askAgent(SOCKET);
  if ("failure" in asked) return [`- the agent does not answer: ${asked.failure}`];
  const { nodeOne, nodeTwo, witness } = (JSON.parse(asked.json) as StatusReport).survives;
  return Object.entries({ "node one": nodeOne, "node two": nodeTwo, "the witness": witness })
    .filter(([, { yes }]) => !yes)
    .map(([part, { why }]) => `- it would not survive the loss of ${part}: ${why}`);
}
