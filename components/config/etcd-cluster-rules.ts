/** Relations between the values of an etcd cluster that somebody else runs and the rest of a site. */
import { checkClientCredential, endOf } from "./client-credential.ts";
import { onNodes } from "./machines.ts";
import type { Problem } from "./problems.ts";
import type { Sealed } from "./secret.ts";
import type { SitePart } from "./site-config.ts";

const dayMs = 86_400_000;

/** The servers have machines of their own. */
export function checkServers(site: SitePart<"nodes" | "witness" | "datastore">): Problem[] {
  if (site.witness !== undefined) return [];
  return onNodes(site).map(({ path, host, owner }) => ({
    path,
    message: `${host} is ${owner}; members stacked on the masters are not yet supported but by etcd-witness: name machines of their own`,
  }));
}

/** Key, certificate and authorities belong together. */
export function checkCredential({ datastore }: SitePart<"datastore", Sealed>, nowMs = Date.now()): Problem[] {
  if (datastore.kind !== "etcd-cluster") return [];
  const { clientKey } = datastore;
  const key = clientKey.isEncrypted ? undefined : clientKey.reveal();
  return checkClientCredential(datastore, key, nowMs).map(inDatastore);
}

/** Nobody but its operator renews the client's certificate. */
export function checkClientEnd({ datastore, pki }: SitePart<"datastore" | "pki">, nowMs = Date.now()): Problem[] {
  if (datastore.kind !== "etcd-cluster") return [];
  const days = Math.floor((endOf(datastore.clientCertificate) - nowMs) / dayMs);
  // One that has ended is refused.
  if (days < 0 || days >= pki.renewBeforeDays) return [];
  const message = `ends in ${days} ${days === 1 ? "day" : "days"}, and with it the API: Tandem renews it no more than it made it; have a new one issued and give it with its key`;
  return [inDatastore({ path: ["clientCertificate"], message })];
}

/** Something is left to be installed. */
export function checkWhatRuns({ datastore, kubernetes }: SitePart<"datastore" | "kubernetes">): Problem[] {
  if (datastore.kind !== "etcd-cluster" || kubernetes.distribution !== "none") return [];
  const message = "is none, and with datastore.kind etcd-cluster nothing else is installed; use upstream or k3s";
  return [{ path: ["kubernetes", "distribution"], message }];
}

function inDatastore({ path, message }: Problem): Problem {
  return { path: ["datastore", ...path], message };
}
