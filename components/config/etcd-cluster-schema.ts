/** The shape of a `datastore` that somebody else runs: an etcd cluster on machines of its own. */
import { z } from "zod";
import { certificates, duration, host, map, text, tlsPrivateKey } from "./fields.ts";
import { received, receivedKind } from "./problems.ts";
import type { Sealed } from "./secret.ts";
import type { EtcdClusterConfig } from "./site-config.ts";

const sizes: readonly number[] = [3, 5, 7];
const peerPort = 2380;

/** With the host in lower case and the port as a plain number, so that one address has one spelling. */
const server = text("the client URL of an etcd server, e.g. https://10.77.1.31:2379", (value) => {
  // The value may hold a password here.
  if (value.includes("@")) return { problem: "holds a user or a password; nodes prove themselves by certificates" };
  const [, scheme = "", name = "", digits] = /^(https?):\/\/([^/:?#]+)(?::([0-9]{1,5}))?\/?$/i.exec(value) ?? [];
  const { data } = host.safeParse(name.toLowerCase());
  const port = Number(digits ?? 1);
  // There are numbers that some resolvers take for an address, and this one, too, tells so.
  if (data === undefined || !isHostName(data) || port < 1 || port > 65535) return undefined;
  const problem = (why: string) => ({ problem: `${received(value)}; ${why}` });
  if (scheme.toLowerCase() !== "https") return problem("everybody on the way could read and write the data: use https");
  if (digits === undefined) return problem("must name its port, which is 2379 unless its operator chose another");
  if (port === peerPort) return problem("etcd's members talk to each other there; clients use 2379");
  return `https://${data}:${port}`;
});

const servers = z
  .array(server, {
    error: (issue) =>
      `${receivedKind(issue.input)}; must be a list of the client URLs of an etcd cluster on machines of its own; members stacked on the masters are not yet supported but by etcd-witness`,
  })
  .superRefine((urls, context) => {
    const problem = quorumProblem(urls.length);
    if (problem !== undefined) context.addIssue(problem);
    for (const [at, url] of urls.entries()) {
      const first = urls.findIndex((other) => hostOf(other) === hostOf(url));
      if (first < at)
        context.addIssue({ code: "custom", path: [at], message: repeated(url, urls[first] ?? "", first) });
    }
  });

export const etcdCluster = map({
  kind: z.literal("etcd-cluster"),
  servers: servers.describe("Client URLs of all members, 3, 5 or 7, each on a machine of its own"),
  caCertificate: certificates.describe("PEM certificates of the authorities of the servers and of the client"),
  clientCertificate: certificates.describe(
    "PEM certificate that the API servers show, then those of intermediate authorities",
  ),
  clientKey: tlsPrivateKey.describe("PEM private key of the certificate, a secret"),
  longestGap: duration
    .prefault("15s")
    .describe(
      "Longest time without writes after the loss of one server: with etcd's own heartbeat (100ms) and election timeout (1s) two elections of 2s, and 10s until a client gives a server up that vanished without a word",
    ),
}).transform(({ longestGap, ...value }): EtcdClusterConfig<Sealed> => ({ ...value, longestGapMs: longestGap }));

/** Why a cluster should not have this many members: quorum = N/2 + 1, tolerance = N - quorum. */
export function quorumProblem(members: number): string | undefined {
  if (sizes.includes(members)) return undefined;
  if (members === 0) return "has no servers; use 3, 5 or 7";
  const quorum = Math.floor(members / 2) + 1;
  const survived = members - quorum;
  const plural = members > 1;
  const arithmetic = `${members} member${plural ? "s need" : " needs"} ${quorum} for a quorum and so survive${plural ? "" : "s"} ${losses(survived)}`;
  const verdict =
    members % 2 === 0
      ? `, no more than ${members - 1} ${members > 2 ? "do" : "does"}`
      : members > 7
        ? `, but every write waits for ${quorum} disks`
        : "";
  return `has ${members} server${plural ? "s" : ""}; ${arithmetic}${verdict}: use 3, 5 or 7`;
}

function losses(count: number): string {
  if (count < 2) return count === 0 ? "no loss" : "one loss";
  return `${count} losses`;
}

function repeated(url: string, other: string, index: number): string {
  return url === other
    ? `is ${url}, as is servers[${index}]; a member counts once`
    : `is ${url}, on the machine of servers[${index}], ${other}: its loss would be that of two members; give each its own`;
}

export function hostOf(url: string): string {
  return new URL(url).hostname;
}

function isHostName(name: string): boolean {
  return URL.canParse(`https://${name}`) && hostOf(`https://${name}`) === name;
}
