import type { Machine } from "../apply/machine.ts";
import { listMembers, type Member, NoEtcd } from "../etcd-client.ts";
import { Failure } from "../verb.ts";
import { attach, createMetadata, disconnect, hasMetadata, readVolume } from "./drbd.ts";
import type { VolumeOrder } from "./order.ts";
import { JOINING, writeNote, writeRecord } from "./record.ts";

export type MembersAt = (url: string) => Promise<Member[]>;

/**
 * Whether a blank machine takes the place of a lost one. Only a quorum of etcd can say so, and etcd only comes to be once both
 * copies of the volume exist: a sibling whose etcd has members is part of a site that was founded before.
 * @throws Failure if the site does not expect a new machine here
 */
export async function isReplacement(order: VolumeOrder, membersAt: MembersAt = listMembers): Promise<boolean> {
  const { node, sibling, siblingEtcd, peerUrl } = order;
  let members: readonly Member[];
  try {
    members = await membersAt(siblingEtcd);
  } catch (error) {
    if (error instanceof NoEtcd) return false;
    throw error;
  }
  const own = members.find(({ peerUrls }) => peerUrls.includes(peerUrl));
  if (own !== undefined && own.name === "") return true;
  throw new Failure(
    `${sibling} runs the site's etcd, and this machine is blank. If ${node} is a new machine in the place of a lost one, run ` +
      `\`tandem replace ${node}\` on ${sibling}, and then \`pulumi up\` again`,
  );
}

/**
 * Makes an empty copy on a disk that holds nothing, apart; the agents connect it when they have shaken hands, and DRBD then
 * copies everything from the sibling. Lets this node's etcd join the cluster.
 */
export async function join(machine: Machine, order: VolumeOrder): Promise<string> {
  const { disk } = await readVolume(machine);
  const isAttached = disk !== "" && disk !== "Diskless";
  if (!isAttached && !(await hasMetadata(machine))) await createMetadata(machine);
  await attach(machine);
  await disconnect(machine);
  const attached = await readVolume(machine);
  if (attached.disk !== "Inconsistent") {
    throw new Failure(
      `the copy on ${order.disk} is ${attached.disk}, and a new one would be Inconsistent: it holds data of its own, so it is no ` +
        "blank machine's, and is left alone",
    );
  }
  await writeNote(machine, JOINING, `${order.site}\n`);
  await writeRecord(machine, { order, step: "ready" });
  return `an empty copy for what ${order.sibling} has; the agents connect the two`;
}
