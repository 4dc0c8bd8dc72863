import { appendFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Guest } from "../../lab/guest.ts";
import type { Site } from "../../lab/stack.ts";
import { type FaultOf, type Machine, type Node, nodes } from "../schedule.ts";
import { prepareDisks } from "./disk.ts";
import type { Bench, Heal } from "./fault.ts";
import { armRaces } from "./process.ts";

const carriesLimitMs = 60_000;
/** Longer than a takeover: what replaces a machine is asked of a site that has gone on. */
const goneMs = 3000;

/** A machine that is lost for good, and a blank one in its place, by the runbook's steps. */
export async function replaceMachine(bench: Bench, { where }: FaultOf<"replace">): Promise<Heal> {
  const { site, power, lab } = bench;
  await power.cut(where);
  await sleep(goneMs);
  if (where !== "w") await expectBlank(bench, where);
  const guest = lab.guest(where);
  await guest.wipeDisks();
  await power.on(where);
  const hostKey = await newHostKey(bench, guest);
  if (where !== "w") await prepareDisks(guest);
  await site.stack.change((config) => {
    placeOf(config, where).hostKey = hostKey;
  });
  await site.up();
  if (where !== "w") await armRaces(bench, where);
  return async () => {};
}

/** Told to the node that goes on. */
async function expectBlank({ site }: Bench, lost: Node): Promise<void> {
  const other = nodes.find((node) => node !== lost) as Node;
  await site.until(`${other} to carry the site alone`, carriesLimitMs, async () => {
    await site.guest(other).run(`tandem replace ${lost} --execute`, { input: `${lost}\n`, timeoutMs: 30_000 });
    return true;
  });
}

/** A machine that shows the old key counts as the old machine, and all machines of a lab begin with the same. */
async function newHostKey({ lab }: Bench, guest: Guest): Promise<string> {
  const file = "/etc/ssh/ssh_host_ed25519_key";
  await guest.run(`rm ${file}* && ssh-keygen -q -t ed25519 -N '' -f ${file} && systemctl restart ssh && sync`);
  const { stdout } = await guest.run(`cut -d' ' -f1,2 ${file}.pub`);
  const hostKey = stdout.trim();
  await appendFile(lab.knownHosts, `${guest.spec.frontend} ${hostKey}\n`);
  return hostKey;
}

function placeOf(config: Site, where: Machine): { hostKey: string } {
  return where === "w" ? config.witness : config.nodes[nodes.indexOf(where)];
}
