/** The second pass: relations between values whose own shape is right. */
import { checkClientEnd, checkCredential, checkServers, checkWhatRuns } from "./etcd-cluster-rules.ts";
import {
  checkLeaderElection,
  checkMutationGuard,
  checkNetworks,
  checkOutOfServiceTaint,
  checkVirtualAddress,
} from "./kubernetes-rules.ts";
import { checkLoadBalancer, warnAboutLoadBalancer } from "./load-balancer-rules.ts";
import { nodeAddresses, onNodes } from "./machines.ts";
import type { Problem } from "./problems.ts";
import type { ParsedSite, SectionName } from "./schema.ts";
import type { Sealed } from "./secret.ts";
import type { SitePart } from "./site-config.ts";
import { timesOf } from "./timing.ts";
import { checkTiming, warnAboutTiming } from "./timing-rules.ts";

export interface Findings {
  /** A site with one of these must not be built. */
  readonly errors: Problem[];
  readonly warnings: Problem[];
}

/** A rule sees the sections that it names, and runs only if all of them have their shape. */
interface Rule<K extends SectionName = SectionName> {
  readonly needs: readonly K[];
  readonly errors?: (site: SitePart<K, Sealed>) => Problem[];
  readonly warnings?: (site: SitePart<K, Sealed>) => Problem[];
}

const rules: Rule[] = [
  rule(["nodes"], { errors: nodesDiffer, warnings: hostKeysDiffer }),
  rule(["nodes", "witness", "datastore"], { errors: witnessIsThird }),
  rule(["ssh", "witness"], { errors: witnessPortIsFree }),
  rule(["witness", "datastore"], {
    errors: (site) => (site.witness === undefined ? [] : checkTiming(timesOf(site))),
    warnings: (site) => (site.witness === undefined ? [] : warnAboutTiming(timesOf(site))),
  }),
  rule(["nodes", "witness", "datastore"], { errors: checkServers }),
  rule(["datastore"], { errors: checkCredential }),
  rule(["datastore", "pki"], { warnings: checkClientEnd }),
  rule(["datastore", "kubernetes"], { errors: checkWhatRuns }),
  rule(["kubernetes", "nodes", "witness", "datastore"], { errors: checkVirtualAddress }),
  rule(["kubernetes", "nodes", "ssh", "witness"], { errors: checkLoadBalancer, warnings: warnAboutLoadBalancer }),
  rule(["kubernetes", "nodes", "witness", "datastore"], { errors: checkNetworks }),
  rule(["kubernetes", "datastore", "witness"], { errors: checkLeaderElection }),
  rule(["kubernetes"], { errors: checkMutationGuard }),
  rule(["kubernetes", "datastore", "witness"], { errors: checkOutOfServiceTaint }),
  rule(["pki"], { errors: certificatesOutliveRenewal }),
];

/** Runs every rule whose sections are there. */
export function checkRules(site: Partial<ParsedSite>): Findings {
  const applicable = rules.filter(({ needs }) => needs.every((section) => section in site));
  return {
    errors: applicable.flatMap((each) => each.errors?.(site as ParsedSite) ?? []),
    warnings: applicable.flatMap((each) => each.warnings?.(site as ParsedSite) ?? []),
  };
}

function rule<K extends SectionName>(needs: readonly K[], checks: Omit<Rule<K>, "needs">): Rule {
  return { needs, ...checks } as Rule;
}

function nodesDiffer({ nodes }: SitePart<"nodes">): Problem[] {
  const addresses = nodeAddresses({ nodes });
  const repeated = addresses.flatMap(({ path, host }, at): Problem[] => {
    const first = addresses.slice(0, at).find((earlier) => earlier.host === host);
    if (first === undefined) return [];
    const [, node, side] = first.path;
    const advice =
      node === path[1] ? "the backend is a link of its own, give it another address" : "give each node its own address";
    return [{ path, message: `${host} is also nodes[${node}].${side}; ${advice}` }];
  });
  const [one, two] = nodes;
  if (one.name !== two.name) return repeated;
  return [
    ...repeated,
    { path: ["nodes", 1, "name"], message: `${two.name} is also nodes[0].name; give each node its own name` },
  ];
}

function hostKeysDiffer({ nodes: [one, two] }: SitePart<"nodes">): Problem[] {
  if (one.hostKey !== two.hostKey) return [];
  const message =
    "is also nodes[0].hostKey, as on cloned machines: one can pass for the other; make new host keys with `ssh-keygen -A`";
  return [{ path: ["nodes", 1, "hostKey"], message }];
}

function witnessIsThird(site: SitePart<"nodes" | "witness" | "datastore">): Problem[] {
  if (site.witness === undefined) return [];
  return onNodes(site).map(({ path, host, owner }) => ({
    path,
    message: `${host} is ${owner}; the witness decides between the nodes and must be a third machine`,
  }));
}

function witnessPortIsFree({ ssh, witness }: SitePart<"ssh" | "witness">): Problem[] {
  if (witness?.kind !== "managed" || witness.port !== ssh.port) return [];
  const message = `${witness.port} is also ssh.port, which the witness machine listens on; give the web server another`;
  return [{ path: ["witness", "port"], message }];
}

function certificatesOutliveRenewal({ pki }: SitePart<"pki">): Problem[] {
  const { certificateValidityDays, renewBeforeDays } = pki;
  if (certificateValidityDays < 1) {
    return [{ path: ["pki", "certificateValidity"], message: "is 0d; a certificate needs at least 1d" }];
  }
  if (renewBeforeDays < certificateValidityDays) return [];
  const message = `is ${renewBeforeDays}d, not less than the certificateValidity of ${certificateValidityDays}d: every up would renew every certificate; use at most ${certificateValidityDays - 1}d`;
  return [{ path: ["pki", "renewBefore"], message }];
}
