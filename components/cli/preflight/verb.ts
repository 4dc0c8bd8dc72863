import { text } from "node:stream/consumers";
import { failAll, type Verb } from "../verb.ts";
import type { Expectations } from "./expectations.ts";
import { gather } from "./gather.ts";
import { judge } from "./judge.ts";

export const preflight: Verb = {
  usage: "preflight < expectations.json",
  summary: "Tells whether this machine can be what the site wants it to be, all problems at once; changes nothing.",
  async run() {
    const wanted = JSON.parse(await text(process.stdin)) as Expectations;
    const facts = await gather(wanted);
    failAll(`${wanted.machine} cannot be used as it is; nothing was changed on it:`, judge(facts, wanted));
    const { os, kernel, arch, drbd } = facts;
    process.stdout.write(`${JSON.stringify({ os: `${os.id} ${os.version}`, kernel, arch, drbd })}\n`);
  },
};
