import * as pulumi from "@pulumi/pulumi";
import { bundle } from "./bundle.ts";
import type { ManagedWitness, NodeConfig, SiteConfig } from "./config/site-config.ts";
import { Host } from "./host.ts";

export interface SiteArgs {
  readonly config: SiteConfig;
}

/** A whole site, in the order in which it comes to be. */
export class Site extends pulumi.ComponentResource {
  readonly predictedFailover: string;
  readonly status: string;

  constructor(name: string, { config }: SiteArgs) {
    super("tandem:site:Site", name);
    const program = bundle("cli/main.ts");
    const hostOf = (
      machine: string,
      { hostKey, ...rest }: { hostKey: string; address: string; port?: number | undefined },
    ) =>
      new Host(
        machine,
        { address: rest.address, port: rest.port ?? config.ssh.port, hostKey, ssh: config.ssh, program },
        { parent: this },
      );
    const [one, two] = config.nodes.map((node: NodeConfig) => hostOf(node.name, { ...node, address: node.frontend }));
    const witness = config.witness as ManagedWitness;
    const w = hostOf("witness", { address: witness.host, hostKey: witness.hostKey });
    void [one, two, w];
    this.predictedFailover = "";
    this.status = "";
    this.registerOutputs();
  }
}
