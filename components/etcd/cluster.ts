import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host.ts";

export interface ProtectedClusterArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly site: string;
}

/** The three members together: waits until the site survives any single loss, and notes on each node that its member was created. */
export class ProtectedCluster extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, site }: ProtectedClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:etcd:ProtectedCluster", name, {}, opts);
    const isProtected = hosts[0].run("protected", "wait protected", { site }, { parent: this, timeoutSeconds: 300 });
    this.ready = hosts.map((host) =>
      host.run("members", "member created", { site }, { parent: this, dependsOn: [isProtected] }),
    );
    this.registerOutputs();
  }
}
