import { readFileSync } from "node:fs";
import { request } from "node:https";
import { Failure } from "./verb.ts";

export interface MemberStatus {
  /** Hexadecimal, as etcd's own tools print it. */
  readonly memberId: string;
  /** It knows a leader. */
  readonly hasLeader: boolean;
}

const LIMIT_MS = 3_000;
const PKI = "/etc/tandem/pki";

/**
 * Asks one member for its state, as this node's etcd client.
 * @param port of the member on this node
 * @throws Failure in words
 */
export async function memberStatus(port: number, pki = PKI): Promise<MemberStatus> {
  const text = await post(`https://127.0.0.1:${port}/v3/maintenance/status`, pki);
  // 64-bit numbers come as decimal strings, which no JSON number could hold.
  const { header, leader } = JSON.parse(text) as { header: { member_id: string }; leader?: string };
  return { memberId: BigInt(header.member_id).toString(16), hasLeader: leader !== undefined && leader !== "0" };
}

function post(url: string, pki: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Failure(`etcd at ${url} does not answer: ${why}`));
    const asked = request(url, {
      method: "POST",
      timeout: LIMIT_MS,
      ca: readFileSync(`${pki}/etcd-ca.crt`),
      cert: readFileSync(`${pki}/etcd-client.crt`),
      key: readFileSync(`${pki}/etcd-client.key`),
    });
    asked.on("timeout", () => asked.destroy(new Error(`nothing within ${LIMIT_MS} ms`)));
    asked.on("error", (error) => fail(error.message));
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => fail(error.message));
      response.on("end", () => (response.statusCode === 200 ? resolve(text) : fail(`${response.statusCode} ${text}`)));
    });
    asked.end("{}");
  });
}
