/** Where a load balancer may be: on none of the nodes, and beside the witness without a quarrel. */
import { nodesAt } from "./machines.ts";
import type { Problem } from "./problems.ts";
import type { SitePart } from "./site-config.ts";

type Sections = SitePart<"kubernetes" | "nodes" | "ssh" | "witness">;

export function checkLoadBalancer(site: Sections): Problem[] {
  const { kubernetes, ssh, witness } = site;
  if (kubernetes.distribution === "none" || kubernetes.endpoint.kind !== "load-balancer") return [];
  const { address, hostKey, port } = kubernetes.endpoint;
  const problem = (key: "host" | "hostKey" | "port", message: string): Problem => ({
    path: ["kubernetes", "loadBalancer", key],
    message,
  });
  const problems = nodesAt(site, address).map((owner) =>
    problem(
      "host",
      `${address} is ${owner}; it would be lost with that node: take another machine, e.g. that of a witness`,
    ),
  );
  if (port === ssh.port)
    problems.push(problem("port", `${port} is also ssh.port, which the machine listens on; give the API another`));
  if (witness === undefined) return problems;
  const web = new URL(witness.url);
  if (web.hostname === address && Number(web.port || 443) === port)
    problems.push(problem("port", `${port} is also the witness's, on the same machine; give the API another`));
  if (witness.kind === "managed" && witness.host === address && witness.hostKey !== hostKey)
    problems.push(
      problem("hostKey", "is not witness.hostKey, and it is the same machine; give the same key in both places"),
    );
  return problems;
}

/** A machine that is reached under two names would be set up, and cleared, twice. */
export function warnAboutLoadBalancer({ kubernetes, witness }: Sections): Problem[] {
  if (kubernetes.distribution === "none" || kubernetes.endpoint.kind !== "load-balancer") return [];
  const { address, hostKey } = kubernetes.endpoint;
  if (witness?.kind !== "managed" || witness.host === address || witness.hostKey !== hostKey) return [];
  const message = `${address} shows the key of witness.host, ${witness.host}; if it is the same machine, give it the same name, and if it is a clone, new host keys with \`ssh-keygen -A\``;
  return [{ path: ["kubernetes", "loadBalancer", "host"], message }];
}
