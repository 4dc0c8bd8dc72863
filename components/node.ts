import * as pulumi from "@pulumi/pulumi";
import type { FileSet, UserSpec } from "./cli/apply/bundle-type.ts";
import type { DrbdConfig, NodeConfig } from "./config/site-config.ts";
import { environmentFile } from "./environment-file.ts";
import type { Host } from "./host.ts";
import { pkiFileSet } from "./pki/file-set.ts";
import type { PkiFiles } from "./pki/site-pki.ts";

export interface NodeArgs {
  readonly host: Host;
  readonly site: string;
  readonly node: NodeConfig;
  readonly sibling: NodeConfig;
  readonly drbd: Pick<DrbdConfig, "minor">;
  readonly pki: PkiFiles;
  /** Whether destroying also forgets what the node knows of claims and members. */
  readonly purge: boolean;
}

/** Under which both etcd members run; the same on every node, because the replicated volume holds the numbers. */
export const etcdUser: UserSpec = { name: "tandem-etcd", id: 2379, home: "/var/lib/etcd" };

/** What everything else on a node stands on: the account, the folders, the values of the shell scripts, the certificates. */
export class Node extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, args: NodeArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:node:Node", name, {}, opts);
    const base = args.host.push("node", nodeFiles(args), { parent: this });
    const pki = args.host.push("pki", pkiFileSet(args.pki), { parent: this, dependsOn: [base], secret: true });
    this.ready = [base, pki];
    this.registerOutputs();
  }
}

/** Everything but the certificates; pure. */
export function nodeFiles({ site, node, sibling, drbd, purge }: Omit<NodeArgs, "host" | "pki">): FileSet {
  return {
    users: [etcdUser],
    // curl asks the agent for the fence-peer handler.
    packages: ["curl"],
    directories: {
      "/etc/tandem": { mode: "0755" },
      "/etc/tandem/pki": { mode: "0755" },
      "/etc/tandem/secrets": { mode: "0700" },
      "/var/lib/tandem": { mode: "0700" },
      "/var/lib/tandem/disarmed": { mode: "0700" },
    },
    files: {
      "/etc/tandem/node.env": {
        mode: "0644",
        content: environmentFile({
          SITE: site,
          NODE: node.name,
          SIBLING_BACKEND: sibling.backend,
          RESOURCE: "etcd-t",
          MINOR: String(drbd.minor),
          MOUNTPOINT: "/var/lib/etcd-transient",
          STATE: "/var/lib/tandem",
        }),
        check: "shell",
      },
    },
    data: ["/var/lib/tandem"],
    purge,
  };
}
