/** The machines that a site's configuration names. */
import { hostOf } from "./etcd-cluster-schema.ts";
import { type ConfigPath, formatPath } from "./problems.ts";
import type { SitePart } from "./site-config.ts";

export interface NamedHost {
  readonly path: ConfigPath;
  /** IPv4 address or host name. */
  readonly host: string;
}

/** Every address of the nodes. */
export function nodeAddresses({ nodes }: SitePart<"nodes">): NamedHost[] {
  return nodes.flatMap((node, index) => [
    { path: ["nodes", index, "frontend"], host: node.frontend },
    ...("backend" in node ? [{ path: ["nodes", index, "backend"], host: node.backend }] : []),
  ]);
}

/** The machines that only the datastore needs: the witness, or the servers of an etcd cluster. */
export function datastoreHosts({ witness, datastore }: SitePart<"witness" | "datastore">): NamedHost[] {
  if (witness === undefined)
    return datastore.servers.map((url, index) => ({ path: ["datastore", "servers", index], host: hostOf(url) }));
  return witness.kind === "managed"
    ? [{ path: ["witness", "host"], host: witness.host }]
    : [{ path: ["witness", "url"], host: new URL(witness.url).hostname }];
}

/** Those of {@link datastoreHosts} that are a node, with where that is said. */
export function onNodes(site: SitePart<"nodes" | "witness" | "datastore">): (NamedHost & { readonly owner: string })[] {
  return datastoreHosts(site).flatMap(({ path, host }) => nodesAt(site, host).map((owner) => ({ path, host, owner })));
}

/** Where it is said that a host is a node; empty for one that is none. */
export function nodesAt(site: SitePart<"nodes">, host: string): string[] {
  const names = site.nodes.map(({ name }, index) => ({ path: ["nodes", index, "name"], host: name }));
  return [...nodeAddresses(site), ...names].filter((each) => each.host === host).map(({ path }) => formatPath(path));
}
