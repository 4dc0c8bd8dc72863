import { SETTINGS, SOCKET } from "../../arbiter/agent/paths.ts";
import { type AgentSettings, readSettings } from "../../arbiter/agent/settings.ts";
import type { StatusReport } from "../../arbiter/agent/status.ts";
import { thisMachine } from "../apply/machine.ts";
import { hexadecimal, listMembers, memberStatus } from "../etcd-client.ts";
import { askAgent } from "../status.ts";
import { typed } from "../typed.ts";
import { Failure, failAll, type Verb } from "../verb.ts";
import { diskBytes } from "../volume/blank.ts";
import { readRecord } from "../volume/record.ts";
import { carryOut } from "./carry-out.ts";
import { objections, type Plan, planOf, type Seen } from "./judge.ts";

const OWN = "https://127.0.0.1:2379";
const MEBIBYTE = 2 ** 20;

export const replace: Verb = {
  usage: "replace <node> [--execute]",
  summary:
    "On the node that goes on: makes etcd expect a blank machine in the place of a lost one. Tells what it would do; does it with " +
    "--execute, after the lost node's name was typed.",
  async run(args) {
    const settings = readSettings(SETTINGS);
    const isDryRun = checkArguments(args, settings.core);
    const seen = await look(settings);
    const { node, sibling } = settings.core;
    failAll(`${sibling} cannot be replaced now; nothing was changed:`, objections(seen));

    const plan = planOf(seen);
    const next = nextSteps(settings, await ownDiskMebibytes());
    if (!plan.add) {
      process.stdout.write(`etcd expects a new ${sibling} already. ${next}`);
      return;
    }
    process.stdout.write(describe(plan, seen, settings));
    if (isDryRun) {
      process.stdout.write(`\nNothing was changed. To do it: tandem replace ${sibling} --execute\n`);
      return;
    }
    await typed(sibling);
    await carryOut(plan, seen.lost.peerUrl, { url: OWN });
    process.stdout.write(`\n${node} now expects a new ${sibling}. ${next}`);
  },
};

type Names = Pick<AgentSettings["core"], "node" | "sibling">;

/** @returns whether nothing is to be done but told; throws Failure */
export function checkArguments(args: readonly string[], { node, sibling }: Names): boolean {
  const [name, ...flags] = args;
  if (name === undefined || flags.some((flag) => flag !== "--execute"))
    throw new Failure(
      `\`tandem replace\` takes a node's name and perhaps --execute, not ${JSON.stringify(args.join(" "))}`,
    );
  if (name === node) throw new Failure(`this is ${node}; run it on ${sibling}, which must carry the site alone`);
  if (name !== sibling)
    throw new Failure(`there is no node ${JSON.stringify(name)}; the sibling of ${node} is ${sibling}`);
  return flags.length === 0;
}

async function look({ core, peer }: AgentSettings): Promise<Seen> {
  const asked = await askAgent(SOCKET);
  if ("failure" in asked)
    throw new Failure(
      `the agent does not answer (${asked.failure}), and it alone knows how the site is; see: journalctl -u tandem-agent`,
    );
  const answers = memberStatus(`https://${peer.frontend}:2379`).then(
    () => true,
    () => false,
  );
  return {
    report: JSON.parse(asked.json) as StatusReport,
    members: await listMembers(OWN),
    own: core.index === 0 ? "E1" : "E2",
    lost: { name: core.index === 0 ? "E2" : "E1", peerUrl: `https://${peer.backend}:2380`, answers: await answers },
  };
}

async function ownDiskMebibytes(): Promise<number> {
  const record = await readRecord(thisMachine);
  if (record === undefined) throw new Failure("this node was never told of a volume, so it carries no site");
  return Math.ceil((await diskBytes(thisMachine, record.order.disk)) / MEBIBYTE);
}

function describe({ remove }: Plan, { lost }: Seen, { core: { node, sibling } }: AgentSettings): string {
  const steps = [
    ...(remove === undefined ? [] : [`remove the member ${lost.name} (${hexadecimal(remove.id)}) for good`]),
    `expect a new member at ${lost.peerUrl}`,
  ];
  return [
    `${node} carries the site alone, and nothing of ${sibling} answers. In etcd this will:`,
    ...steps.map((step) => `- ${step}`),
    `The lost machine must never start again with its disks: they hold an old copy of the data, and the keys of ${sibling}.`,
    "",
  ].join("\n");
}

function nextSteps({ core: { index, sibling }, peer }: AgentSettings, mebibytes: number): string {
  return [
    "Next:",
    `1. Start a blank machine as ${sibling}, with the addresses ${peer.frontend} and ${peer.backend} and an empty disk of at least ` +
      `${mebibytes} MiB where the old one had its own.`,
    `2. Put its SSH host key into nodes[${index === 0 ? 1 : 0}].hostKey of the site's stack, and run \`pulumi up\`.`,
    "",
  ].join("\n");
}
