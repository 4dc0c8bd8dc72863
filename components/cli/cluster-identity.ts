import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiCredential, askApi } from "./api-client.ts";
import { Failure, type Verb } from "./verb.ts";

/** How an operator of the site reaches its cluster; stdin of `tandem cluster-identity`, as JSON, with a key. */
export interface ClusterAccess extends ApiCredential {
  /** Where its API answers, as `address:port`, by what each is called in the site's configuration. */
  readonly servers: Readonly<Record<string, string>>;
  /** Digest of what is to be made in the cluster; not looked at here, but when it changes, the cluster is asked again. */
  readonly objects: string;
}

const PATIENCE_MS = 60_000;

export const clusterIdentity: Verb = {
  usage: "cluster-identity < access.json",
  summary: "Tells which cluster answers at the site's addresses; fails unless it is one, and the operator's.",
  async run() {
    process.stdout.write(await identify(JSON.parse(await text(process.stdin)) as ClusterAccess));
  },
};

/**
 * The UID of the namespace kube-system, which is made with a cluster and never changes.
 * @throws Failure if a server is of another cluster than the kubeconfig or than the others, or does not answer
 */
export async function identify(access: Omit<ClusterAccess, "objects">, patienceMs = PATIENCE_MS): Promise<string> {
  const found = await Promise.all(
    Object.entries(access.servers).map(async ([name, server]) => ({
      name: `${name}, ${server}`,
      uid: await patiently(() => ask(name, server, access), patienceMs),
    })),
  );
  const uids = [...new Set(found.map(({ uid }) => uid))];
  if (uids.length === 1 && uids[0] !== undefined) return uids[0];
  const list = found.map(({ name, uid }) => `- ${name}: ${uid}`).join("\n");
  throw new Failure(
    `different clusters answer at the site's addresses, by the UIDs of their kube-system:\n${list}\nNothing is made in any of them; ` +
      "see that every API server is on this site's etcd, and that nobody else has one of the addresses.",
  );
}

/** No answer yet, but there may be one in a moment. */
class NotYet extends Error {}

async function patiently<T>(attempt: () => Promise<T>, patienceMs: number): Promise<T> {
  for (const began = performance.now(); ; await sleep(1_000)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof NotYet)) throw error;
      if (performance.now() - began > patienceMs) throw new Failure(`${error.message}, for ${patienceMs / 1000} s`);
    }
  }
}

async function ask(name: string, server: string, credential: ApiCredential): Promise<string> {
  const question = { method: "GET", path: "/api/v1/namespaces/kube-system" } as const;
  const { status, body } = await askApi(server, credential, question).catch((error: NodeJS.ErrnoException) => {
    if (!isAboutTrust(error)) throw new NotYet(`no API answers at ${name}, ${server}: ${error.message}`);
    throw new Failure(
      `the API at ${name}, ${server}, is of another cluster than the kubeconfig of this site: its certificate is not trusted ` +
        `(${error.message}). See who has this address, and free it, or correct ${name}.`,
    );
  });
  if (status === 401 || status === 403)
    throw new Failure(
      `the API at ${name}, ${server}, does not let in the operator of this site's kubeconfig (${status}): it is of another cluster, or its ` +
        "API server trusts other clients. See who has this address, and that both nodes' API servers are of this site.",
    );
  if (status !== 200)
    throw new NotYet(`the API at ${name}, ${server}, answers ${status} to the question for kube-system`);
  return (JSON.parse(body) as { metadata: { uid: string } }).metadata.uid;
}

/** The server's certificate is of another authority, or is for another server. */
function isAboutTrust({ code = "" }: NodeJS.ErrnoException): boolean {
  return /CERT|SIGNATURE|ISSUER/.test(code);
}
