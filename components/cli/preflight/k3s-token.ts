import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { keysUnder } from "../etcd-client.ts";
import { Failure } from "../verb.ts";

/** Where k3s writes its cluster's token down. */
export const TOKEN_FILE = "/var/lib/rancher/k3s/server/token";
const LOCAL_MEMBER = "https://127.0.0.1:2379";
const BOOTSTRAP = "/bootstrap/";

/** What a token tells apart from others by, and never to be shown: the name under which k3s keeps what it has encrypted with it. */
export function k3sTokenFingerprint(token: string): string {
  return createHash("sha256").update(k3sPassword(token)).digest("hex").slice(0, 12);
}

/** Of a token in any of k3s's forms: `K10<hash of the authority>::server:<password>`, or the password alone. */
export function k3sPassword(token: string): string {
  const [, credentials = ""] = /^(?:K10[^:]*::)?(.*)$/s.exec(token.trim()) ?? [];
  return credentials.slice(credentials.indexOf(":") + 1);
}

/**
 * Fingerprints of the tokens that a cluster of k3s on this node takes; none where there is no cluster. The datastore's word goes first:
 * after a rotation k3s writes the file of a node when it starts there next.
 */
export async function gatherK3sTokens(
  file = TOKEN_FILE,
  keys: (prefix: string) => Promise<readonly string[]> = (prefix) => keysUnder(LOCAL_MEMBER, prefix),
): Promise<string[]> {
  const stored = await keys(BOOTSTRAP).catch((error) => {
    // No etcd runs here yet, it has no quorum, or it is another stack's.
    if (error instanceof Failure || error.code === "ENOENT") return [];
    throw error;
  });
  if (stored.length > 0) return stored.map((key) => key.slice(BOOTSTRAP.length));
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    return "";
  });
  return text.trim() === "" ? [] : [k3sTokenFingerprint(text)];
}
