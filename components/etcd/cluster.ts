import * as pulumi from "@pulumi/pulumi";
import type { Host } from "../host.ts";

export interface ProtectedClusterArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly site: string;
  /** What a change of leaves the site to become protected again. */
  readonly waitFor: {
    /** SSH host keys: a node with a new one is a machine that has yet to join. */
    readonly hostKeys: readonly string[];
    /** Of T, which has yet to start again with them. */
    readonly transientSettings: pulumi.Input<string>;
  };
}

/** The three members together: waits until the site survives any single loss, and notes on each node that its member was created. */
export class ProtectedCluster extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, site, waitFor }: ProtectedClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:etcd:ProtectedCluster", name, {}, opts);
    const isProtected = hosts[0].run("protected", "wait protected", { site, ...waitFor }, { parent: this });
    this.ready = hosts.map((host) =>
      host.run("members", "member created", { site }, { parent: this, dependsOn: [isProtected] }),
    );
    this.registerOutputs();
  }
}
