import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { Socket } from "node:net";
import { Failure } from "./verb.ts";

export interface MemberStatus {
  /** Hexadecimal, as etcd's own tools print it. */
  readonly memberId: string;
  /** It knows a leader. */
  readonly hasLeader: boolean;
}

/** One member as the cluster lists it. */
export interface Member {
  /** Decimal, as the API writes 64-bit numbers. */
  readonly id: string;
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

const LIMIT_MS = 3_000;
/** A change of the members is written to a quorum's disks. */
const CHANGE_LIMIT_MS = 10_000;
const PKI = "/etc/tandem/pki";

/** Nothing accepts connections at the address: no machine, or no etcd on it. */
export class NoEtcd extends Failure {
  override name = "NoEtcd";
}

/**
 * Asks one member for its state, as this node's etcd client.
 * @param url as `https://127.0.0.1:2379`
 * @throws Failure in words
 */
export async function memberStatus(url: string, pki = PKI): Promise<MemberStatus> {
  // 64-bit numbers come as decimal strings, which no JSON number could hold.
  const { header, leader } = (await post(url, "/v3/maintenance/status", {}, LIMIT_MS, pki)) as {
    header: { member_id: string };
    leader?: string;
  };
  return { memberId: hexadecimal(header.member_id), hasLeader: leader !== undefined && leader !== "0" };
}

/**
 * The members as a quorum knows them.
 * @throws NoEtcd if nothing listens at the url; Failure for anything else, a missing quorum included
 */
export async function listMembers(url: string, pki = PKI): Promise<Member[]> {
  const { members = [] } = (await post(
    url,
    "/v3/cluster/member/list",
    { linearizable: true },
    CHANGE_LIMIT_MS,
    pki,
  )) as { members?: { ID: string; name?: string; peerURLs?: string[] }[] };
  return members.map(({ ID, name = "", peerURLs = [] }) => ({ id: ID, name, peerUrls: peerURLs }));
}

/** The keys that begin with a text; values are not asked for. @throws Failure in words */
export async function keysUnder(url: string, prefix: string, pki = PKI): Promise<string[]> {
  const bytes = Buffer.from(prefix);
  const end = Buffer.from([...bytes.subarray(0, -1), (bytes.at(-1) ?? 0) + 1]);
  const range = { key: bytes.toString("base64"), range_end: end.toString("base64"), keys_only: true };
  const { kvs = [] } = (await post(url, "/v3/kv/range", range, LIMIT_MS, pki)) as { kvs?: { key: string }[] };
  return kvs.map(({ key }) => Buffer.from(key, "base64").toString());
}

/** A member that has yet to start, with an id of its own. */
export async function addMember(url: string, peerUrl: string, pki = PKI): Promise<void> {
  await post(url, "/v3/cluster/member/add", { peerURLs: [peerUrl] }, CHANGE_LIMIT_MS, pki);
}

/** For good: etcd never takes a member of this id back. */
export async function removeMember(url: string, id: string, pki = PKI): Promise<void> {
  await post(url, "/v3/cluster/member/remove", { ID: id }, CHANGE_LIMIT_MS, pki);
}

export function hexadecimal(id: string): string {
  return BigInt(id).toString(16);
}

/** etcd's gateway tells an error as JSON. */
function messageIn(text: string): string {
  try {
    return String((JSON.parse(text) as { message: unknown }).message);
  } catch {
    return text.trim();
  }
}

function post(url: string, path: string, question: object, limitMs: number, pki: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const fail = (why: string) => {
      const told = `etcd at ${url} does not answer: ${why}`;
      reject(isConnected ? new Failure(told) : new NoEtcd(told));
    };
    const asked = request(`${url}${path}`, {
      method: "POST",
      // A connection of another question would say nothing about this one.
      agent: false,
      ca: readFileSync(`${pki}/etcd-ca.crt`),
      cert: readFileSync(`${pki}/etcd-client.crt`),
      key: readFileSync(`${pki}/etcd-client.key`),
    });
    const limit = setTimeout(() => asked.destroy(new Error(`nothing within ${limitMs / 1000} s`)), limitMs);
    asked.on("socket", (socket: Socket) => {
      socket.on("connect", () => {
        isConnected = true;
      });
    });
    asked.on("close", () => clearTimeout(limit));
    asked.on("error", (error) => fail(error.message));
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        if (response.statusCode !== 200) return fail(`${response.statusCode} ${messageIn(text)}`);
        resolve(JSON.parse(text));
      });
    });
    asked.end(JSON.stringify(question));
  });
}
