import * as pulumi from "@pulumi/pulumi";
import type { FileSet } from "../cli/apply/bundle-type.ts";
import type { Host } from "../host.ts";
import { readTemplate } from "../render.ts";
import { type ClusterPlan, etcdConfig } from "./config.ts";

export interface TransientMemberArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly plan: ClusterPlan;
}

/**
 * T, on both nodes: installed, never started from here. The agents start it where the volume may be Primary, and a change of its
 * files takes effect when they start it next.
 */
export class TransientMember extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, plan }: TransientMemberArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:etcd:TransientMember", name, {}, opts);
    this.ready = ([0, 1] as const).map((index) =>
      hosts[index].push("etcd-transient", transientFiles(plan, index), { parent: this }),
    );
    this.registerOutputs();
  }
}

/** Everything of T on one node; pure. */
export function transientFiles(plan: ClusterPlan, index: 0 | 1): FileSet {
  return {
    files: {
      "/etc/tandem/etcd/transient.yaml": { mode: "0644", content: etcdConfig(plan, "transient", index) },
      "/etc/systemd/system/etcd-transient.service": {
        mode: "0644",
        content: readTemplate("etc/systemd/system/etcd-transient.service"),
      },
      "/usr/local/lib/tandem/transient-guard.sh": {
        mode: "0755",
        content: readTemplate("usr/local/lib/tandem/transient-guard.sh"),
      },
    },
  };
}
