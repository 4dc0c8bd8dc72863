import { readdirSync, statSync } from "node:fs";
import { uptime } from "node:os";
import { join } from "node:path";
import type { OverrideReport } from "../../arbiter/agent/override-report.ts";
import { DISARMED, NOTES, SOCKET } from "../../arbiter/agent/paths.ts";
import { askAgent } from "../status.ts";
import { typed } from "../typed.ts";
import { Failure, failAll, type Verb } from "../verb.ts";
import { describe, type Times } from "./describe.ts";

export const override: Verb = {
  usage: "override [--confirm <site>]",
  summary:
    "On a node that waits for a sibling that is lost: tells what is known and what would be lost. Makes this copy the site's " +
    "data after the site's name was given, or typed on a terminal.",
  run: (args) => overrideAt(SOCKET, args, times(), process.stdin.isTTY === true),
};

/** @param isAsked whether somebody is there to type the site's name */
export async function overrideAt(
  socket: string,
  args: readonly string[],
  times: Times,
  isAsked: boolean,
): Promise<void> {
  const site = confirmedSite(args);
  const report = (await ask(socket, { path: "/override" })) as OverrideReport;
  process.stdout.write(describe(report, times));
  const refused = `\nthe protocol is not overridden on ${report.node}; nothing was changed:`;
  failAll(refused, report.objections);
  if (site === undefined && !isAsked) {
    process.stdout.write(`\nNothing was changed. To do it: tandem override --confirm ${report.site}\n`);
    return;
  }
  if (site === undefined) await typed(report.site);
  const path = `/override?site=${encodeURIComponent(site ?? report.site)}`;
  failAll(refused, (await ask(socket, { path, method: "POST" })) as string[]);
  process.stdout.write(`\n${report.node} goes on with its own copy; \`tandem status\` says how far it is.\n`);
}

/** @throws Failure */
function confirmedSite(args: readonly string[]): string | undefined {
  const [flag, site, ...more] = args;
  if (flag === undefined) return undefined;
  if (flag !== "--confirm" || site === undefined || more.length > 0)
    throw new Failure(
      `\`tandem override\` takes nothing, or --confirm and the site's name, not ${JSON.stringify(args.join(" "))}`,
    );
  return site;
}

async function ask(socket: string, question: { path: string; method?: "POST" }): Promise<unknown> {
  const asked = await askAgent(socket, question);
  if ("failure" in asked)
    throw new Failure(
      `the agent does not answer (${asked.failure}), and it alone could go on; nothing was changed. See: journalctl -u tandem-agent`,
    );
  return JSON.parse(asked.json);
}

/** What the durable notes tell by their age. */
function times(): Times {
  const changed = (path: string): Date | null => statSync(path, { throwIfNoEntry: false })?.mtime ?? null;
  const [disarmed] = readdirSync(DISARMED).filter((name) => !name.startsWith("."));
  return {
    now: new Date(),
    booted: new Date(Date.now() - uptime() * 1000),
    notes: changed(NOTES),
    disarmed: disarmed === undefined ? null : changed(join(DISARMED, disarmed)),
  };
}
