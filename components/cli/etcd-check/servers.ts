import { request } from "node:https";
import { hexadecimal } from "../etcd-client.ts";

/** An etcd cluster and a client of it; stdin of `tandem etcd-check`, as JSON. */
export interface EtcdCheck {
  /** Name of this node in the site's configuration. */
  readonly node: string;
  /** Client URLs of all members. */
  readonly servers: readonly string[];
  /** PEM texts: the authorities of the servers, and what the client shows. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** What a server says of itself, or why it says nothing. */
export type Answer = Said | { readonly failure: string };

export interface Said {
  /** Hexadecimal, as etcd's own tools print them. */
  readonly member: string;
  readonly cluster: string;
  readonly version: string;
  readonly hasLeader: boolean;
}

const LIMIT_MS = 5_000;

/** Asks every server at the same time. */
export function askServers(check: EtcdCheck, limitMs = LIMIT_MS): Promise<Answer[]> {
  return Promise.all(check.servers.map((url) => ask(url, check, limitMs)));
}

/** Every reason why the servers cannot be the site's datastore. */
export function judgeServers({ node, servers }: Pick<EtcdCheck, "node" | "servers">, answers: readonly Answer[]) {
  const told = servers.map((url, index) => ({ url, answer: answers[index] as Answer }));
  const serving = told.flatMap(({ url, answer }) =>
    "failure" in answer || !answer.hasLeader ? [] : [{ url, ...answer }],
  );
  const quorum = Math.floor(servers.length / 2) + 1;
  const problems = told.flatMap(({ url, answer }) => failuresOf(url, answer));
  // A minority may be away, as at any other time.
  if (serving.length < quorum)
    return [`${node} reaches ${serving.length} of ${servers.length} servers, and ${quorum} are a quorum.`, ...problems];
  const [first] = serving;
  return serving.flatMap(({ url, member, cluster }, index) => {
    const twin = serving.slice(0, index).find((other) => other.member === member);
    if (twin !== undefined)
      return [`${url} and ${twin.url} are one and the same member, ${member}; name each member once.`];
    if (first === undefined || cluster === first.cluster) return [];
    return [
      `${url} belongs to the cluster ${cluster} and ${first.url} to ${first.cluster}; name members of one cluster.`,
    ];
  });
}

/** Of the servers that a site does without at this moment. */
export function failuresOf(url: string, answer: Answer): string[] {
  if ("failure" in answer) return [`${url}: ${answer.failure}.`];
  return answer.hasLeader ? [] : [`${url}: it knows no leader, so it reaches no quorum itself.`];
}

function ask(url: string, { ca, certificate, key }: EtcdCheck, limitMs: number): Promise<Answer> {
  return new Promise((resolve) => {
    const fail = (failure: string) => resolve({ failure });
    const asked = request(`${url}/v3/maintenance/status`, { method: "POST", agent: false, ca, cert: certificate, key });
    // Over all of it: a limit of the socket begins anew with each byte.
    const limit = setTimeout(() => asked.destroy(new Error(`no answer within ${limitMs / 1000} s`)), limitMs);
    asked.on("close", () => clearTimeout(limit));
    asked.on("error", (error) => fail(error.message));
    asked.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => fail(error.message));
      response.on("end", () => {
        if (response.statusCode !== 200) return fail(`it answers ${response.statusCode} ${text.trim().slice(0, 200)}`);
        resolve(read(text));
      });
    });
    asked.end("{}");
  });
}

function read(text: string): Answer {
  try {
    // 64-bit numbers come as decimal strings, which no JSON number could hold.
    const { header, version, leader } = JSON.parse(text) as {
      header: { cluster_id: string; member_id: string };
      version: string;
      leader?: string;
    };
    const hasLeader = leader !== undefined && leader !== "0";
    return { member: hexadecimal(header.member_id), cluster: hexadecimal(header.cluster_id), version, hasLeader };
  } catch {
    return { failure: "its answer is not that of an etcd" };
  }
}
