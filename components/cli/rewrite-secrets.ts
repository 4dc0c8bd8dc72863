import { text } from "node:stream/consumers";
import { type ApiCredential, askApi } from "./api-client.ts";
import { Failure, type Verb } from "./verb.ts";

/** stdin of `tandem rewrite-secrets`, as JSON, with a key. */
export interface RewriteOrder extends ApiCredential {
  /** The API server, as `address:port`. */
  readonly server: string;
  /** Name of the key that they are to be encrypted with; not looked at here, but when it changes, they are written again. */
  readonly encryptedWith: string;
}

/** Each may have 1 MiB, and all of them have to come in the time of one answer. */
const PAGE = 10;

export const rewriteSecrets: Verb = {
  usage: "rewrite-secrets < order.json",
  summary: "Writes each of the cluster's Secrets again as it is, which encrypts it with the key that stands first.",
  async run() {
    const count = await rewrite(JSON.parse(await text(process.stdin)) as RewriteOrder);
    process.stdout.write(`${count} Secrets\n`);
  },
};

interface Secret {
  readonly metadata: { readonly namespace: string; readonly name: string };
}

/** @returns how many there were @throws Failure without the content of any */
export async function rewrite({ server, ...credential }: Omit<RewriteOrder, "encryptedWith">): Promise<number> {
  const ask = (method: "GET" | "PUT", path: string, body?: object) =>
    askApi(server, credential, { method, path, ...(body && { body }) }).catch((error: Error) => {
      throw new Failure(
        `the API server at ${server} does not answer: ${error.message}; run \`pulumi up\` again when it does`,
      );
    });
  let count = 0;
  let next: string | undefined = "";
  while (next !== undefined) {
    const page = await ask("GET", `/api/v1/secrets?limit=${PAGE}&continue=${encodeURIComponent(next)}`);
    if (page.status !== 200) throw new Failure(`the Secrets cannot be listed: ${page.status} ${reasonOf(page.body)}`);
    const { items, metadata } = JSON.parse(page.body) as { items: Secret[]; metadata: { continue?: string } };
    for (const secret of items) {
      const { namespace, name } = secret.metadata;
      const path = `/api/v1/namespaces/${namespace}/secrets/${name}`;
      const { status, body } = await ask("PUT", path, { apiVersion: "v1", kind: "Secret", ...secret });
      // Gone, or written by somebody else in the meantime, which does as well.
      if (status !== 200 && status !== 404 && status !== 409)
        throw new Failure(`the Secret ${namespace}/${name} cannot be written: ${status} ${reasonOf(body)}`);
    }
    count += items.length;
    next = metadata.continue || undefined;
  }
  return count;
}

/** The API server's word for it; its longer messages may quote what was sent. */
function reasonOf(body: string): string {
  try {
    return String((JSON.parse(body) as { reason?: unknown }).reason ?? "");
  } catch {
    return "";
  }
}
