import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { FileSet } from "../cli/apply/bundle-type.ts";
import type { Host } from "../host.ts";
import { certificateVersions } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { readTemplate } from "../render.ts";
import { type ClusterPlan, etcdConfig } from "./config.ts";

export interface TransientMemberArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly plan: ClusterPlan;
}

const configPath = "/etc/tandem/etcd/transient.yaml";
const unitPath = "/etc/systemd/system/etcd-transient.service";
const trust = "/etc/tandem/pki/etcd-ca.crt";

/**
 * T, on both nodes: installed, never started from here. The agents start it where the volume may be Primary, and start it again
 * with changed settings while E1 and E2 are a quorum without it.
 */
export class TransientMember extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];
  /** Changes with the settings that T has on either node. */
  readonly settings: pulumi.Output<string>;

  constructor(name: string, { hosts, pki, plan }: TransientMemberArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:etcd:TransientMember", name, {}, opts);
    const files = ([0, 1] as const).map((index) =>
      certificateVersions(pki[index]).apply((versions) => transientFiles(plan, index, versions[trust] ?? "")),
    );
    this.ready = hosts.map((host, index) =>
      host.push("etcd-transient", files[index] as pulumi.Output<FileSet>, { parent: this }),
    );
    this.settings = pulumi.all(files).apply((sets) => digest(sets.map((set) => set.files?.[configPath]?.content)));
    this.registerOutputs();
  }
}

/** @param trusted version of the authority whose certificates T accepts @returns everything of T on one node; pure */
export function transientFiles(plan: ClusterPlan, index: 0 | 1, trusted: string): FileSet {
  const unit = readTemplate(unitPath.slice(1));
  const { sha256 } = plan.datastore.etcd;
  // The agent starts T again when this file changes, so it changes with everything that T reads only at its start.
  const rest = `# Unit, program and authority: ${digest([unit, sha256, trusted])}\n`;
  return {
    files: {
      [configPath]: { mode: "0644", content: `${rest}${etcdConfig(plan, "transient", index)}` },
      [unitPath]: { mode: "0644", content: unit },
    },
  };
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);
}
