import { ASIDE } from "../arbiter/agent/paths.ts";
import { formatDuration } from "../config/duration.ts";
import type { Gaps } from "../config/kubernetes-timing.ts";
import type { EtcdClusterConfig, SitePart, WitnessedSite } from "../config/site-config.ts";
import { describeFailover, predictFailover, timesOf } from "../config/timing.ts";
import { pkiFolder, probeScript } from "../kubernetes/paths.ts";

/** What Kubernetes has to know of a site's datastore. */
export interface DatastoreProfile {
  /** Client URLs for a program on a node. */
  readonly endpoints: readonly string[];
  /** File on the nodes with the authorities that verify the servers there. */
  readonly trust: string;
  /** The unit of a node that serves there; undefined if another machine does. */
  readonly unit: string | undefined;
  /** File on a node that holds 1 while the other node goes on with the datastore and this one does not; undefined if nobody says so. */
  readonly aside: string | undefined;
  readonly gaps: Gaps;
  /** The same for an operator, per kind of failure. */
  readonly predictedFailover: Readonly<Record<string, string>>;
  /** The command that tells on a node how the site is. */
  readonly status: string;
}

/** Of either kind of datastore; pure. */
export function profileOf(site: SitePart<"datastore" | "witness">): DatastoreProfile {
  return site.witness === undefined ? externalProfile(site.datastore) : witnessedProfile(site);
}

function witnessedProfile(site: Pick<WitnessedSite<unknown>, "datastore" | "witness">): DatastoreProfile {
  const times = timesOf(site);
  const predicted = predictFailover(times);
  const { nodeOneDies, nodeTwoDies, linkCut } = predicted;
  return {
    // The node's own member alone, so that the loss of the other node costs this one nothing.
    endpoints: ["https://127.0.0.1:2379"],
    trust: "/etc/tandem/pki/etcd-ca.crt",
    unit: "etcd.service",
    aside: ASIDE,
    gaps: {
      longestGapMs: Math.max(...Object.values(predicted).map(({ maxMs }) => maxMs)),
      usualGapMs: Math.max(nodeOneDies.maxMs, nodeTwoDies.maxMs, linkCut.maxMs),
    },
    predictedFailover: describeFailover(times),
    status: "tandem status",
  };
}

function externalProfile({ servers, longestGapMs }: EtcdClusterConfig<unknown>): DatastoreProfile {
  return {
    endpoints: servers,
    trust: `${pkiFolder}/etcd-ca.crt`,
    unit: undefined,
    aside: undefined,
    gaps: { longestGapMs, usualGapMs: longestGapMs },
    predictedFailover: { serverDies: `up to ${formatDuration(longestGapMs)}, as datastore.longestGap says` },
    status: `${probeScript} readyz`,
  };
}
