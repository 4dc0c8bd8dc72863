import { mkdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { Failure, type Verb } from "../verb.ts";
import { applyBundle, type Changes, planBundle } from "./apply.ts";
import { withLock } from "./lock.ts";
import { thisMachine } from "./machine.ts";
import { parseBundle } from "./parse.ts";
import { RECORDS } from "./record.ts";
import { removeBundle } from "./remove.ts";

const LOCK = "/run/lock/tandem-apply";
const LOCK_WAIT_SECONDS = 300;

export const apply: Verb = {
  usage: "apply [--dry-run] < bundle.json",
  summary: "Makes this machine what a component's bundle says; --dry-run only tells what would change.",
  async run(args) {
    const dryRun = onlyFlag(args, "--dry-run");
    const bundle = parseBundle(await text(process.stdin));
    if (dryRun) tell(bundle.component, await planBundle(thisMachine, bundle));
    else tell(bundle.component, await locked(() => applyBundle(thisMachine, bundle)));
  },
};

export const remove: Verb = {
  usage: "remove < bundle.json",
  summary: "Undoes a component: stops its units and deletes its files; its data only if the bundle says purge.",
  async run(args) {
    onlyFlag(args, undefined);
    const bundle = parseBundle(await text(process.stdin));
    tell(bundle.component, await locked(() => removeBundle(thisMachine, bundle)));
  },
};

async function locked(work: () => Promise<Changes>): Promise<Changes> {
  await mkdir(RECORDS, { recursive: true, mode: 0o700 });
  return withLock(LOCK, LOCK_WAIT_SECONDS, work);
}

function tell(component: string, changes: Changes): void {
  process.stdout.write(
    `${[`${component}: ${changes.length === 0 ? "as declared" : "changed"}`, ...changes].join("\n")}\n`,
  );
}

/** @returns whether the one flag that the verb knows was given */
function onlyFlag(args: readonly string[], flag: string | undefined): boolean {
  const unknown = args.find((arg) => arg !== flag);
  if (unknown !== undefined) throw new Failure(`${JSON.stringify(unknown)} is not known; see \`tandem --help\``);
  return args.length > 0;
}
