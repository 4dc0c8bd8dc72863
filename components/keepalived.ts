import * as pulumi from "@pulumi/pulumi";
import type { FileSet, UserSpec } from "./cli/apply/bundle-type.ts";
import type { VirtualAddress } from "./config/kubernetes-config.ts";
import { addressTimes, type KubernetesTimes } from "./config/kubernetes-timing.ts";
import type { NodeConfig } from "./config/site-config.ts";
import type { Host } from "./host.ts";
import { addressAnswers } from "./kubernetes/probe.ts";
import { render } from "./render.ts";

export interface KeepalivedArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly plan: AddressPlan;
}

export interface AddressPlan {
  readonly site: string;
  /** Node one, then node two. */
  readonly nodes: readonly [Pick<NodeConfig, "name" | "frontend">, Pick<NodeConfig, "name" | "frontend">];
  readonly vip: VirtualAddress;
  readonly times: Pick<KubernetesTimes, "notReadyAfter">;
  /** File that holds 1 while this node should not have the address if the other one can; undefined if nobody says so. */
  readonly aside: string | undefined;
  /** Who may read what the probe of the API server shows; root where undefined. */
  readonly probeUser: UserSpec | undefined;
}

const configPath = "/etc/keepalived/keepalived.conf";
const dropIn = "/etc/systemd/system/keepalived.service.d/tandem.conf";
/** The adverts go from node to node, so another site's number does not matter. */
const routerId = 51;

/** The address of the API, on whichever node answers it. */
export class Keepalived extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, plan }: KeepalivedArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:address:Keepalived", name, {}, opts);
    this.ready = hosts.map((host, index) =>
      host.push("keepalived", keepalivedFiles(plan, index as 0 | 1), { parent: this }),
    );
    this.registerOutputs();
  }
}

/** Everything of keepalived on one node; pure. */
export function keepalivedFiles(
  { site, nodes, vip, times, aside = "", probeUser }: AddressPlan,
  index: 0 | 1,
): FileSet {
  const content = render("etc/keepalived/keepalived.conf.hbs", {
    site,
    node: nodes[index].name,
    user: probeUser?.name ?? "root",
    probeSeconds: addressTimes.probeIntervalMs / 1000,
    advertSeconds: addressTimes.advertIntervalMs / 1000,
    deadAfter: addressTimes.deadAfter,
    aliveAfter: addressTimes.aliveAfter,
    notReadyAfter: times.notReadyAfter,
    routerId,
    aside,
    own: nodes[index].frontend,
    peer: nodes[index === 0 ? 1 : 0].frontend,
    vip: vip.address,
    prefixLength: vip.prefixLength,
    interface: vip.interface,
  });
  return {
    users: probeUser === undefined ? [] : [probeUser],
    packages: ["keepalived"],
    files: {
      [configPath]: { mode: "0644", content, check: "keepalived" },
      [dropIn]: { mode: "0644", content: render(`${dropIn.slice(1)}.hbs`, { aside }), check: "unit" },
    },
    units: [{ name: "keepalived.service", enable: true, state: "started", reloadOn: [configPath] }],
    prove: [{ kind: "active", unit: "keepalived.service", withinSeconds: 20 }, addressAnswers(30)],
  };
}
