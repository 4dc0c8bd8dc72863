import { setTimeout as sleep } from "node:timers/promises";
import { addMember, removeMember } from "../etcd-client.ts";
import { Failure } from "../verb.ts";
import type { Plan } from "./judge.ts";

/** etcd adds nobody before it has heard from every member for five seconds. */
const ADD_LIMIT_MS = 30_000;

/** Which member is asked, and with what credentials; those of this node where absent. */
export interface Etcd {
  readonly url: string;
  readonly pki?: string;
}

/** Removes first: two of two members are a quorum, and two of four are none. An interrupted run is finished by the next. */
export async function carryOut({ remove, add }: Plan, peerUrl: string, { url, pki }: Etcd): Promise<void> {
  if (remove !== undefined) await removeMember(url, remove.id, pki);
  const deadline = Date.now() + ADD_LIMIT_MS;
  while (add) {
    try {
      return await addMember(url, peerUrl, pki);
    } catch (error) {
      if (!(error instanceof Failure) || Date.now() >= deadline) throw error;
      await sleep(1000);
    }
  }
}
