import * as pulumi from "@pulumi/pulumi";
import type { ArtifactSpec, FileSet } from "../cli/apply/bundle-type.ts";
import type { ArtifactsConfig } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import { etcdUser } from "../node.ts";
import { certificateVersions } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { readTemplate } from "../render.ts";
import { type ClusterPlan, dataFolders, etcdConfig } from "./config.ts";

export interface RegularMembersArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly plan: MemberPlan;
}

export interface MemberPlan extends ClusterPlan {
  readonly artifacts: ArtifactsConfig;
  /** Whether destroying also removes the members' data. */
  readonly purge: boolean;
}

const configPath = "/etc/tandem/etcd/etcd.yaml";
/** For the first start on a machine in the place of a lost one; etcd-guard.sh chooses. */
const joiningPath = "/etc/tandem/etcd/joining.yaml";
const unitPath = "/etc/systemd/system/etcd.service";
const trust = "/etc/tandem/pki/etcd-ca.crt";

/** E1 and E2, and the door between them. Node two's is changed first; node one's only after the pair is whole again. */
export class RegularMembers extends pulumi.ComponentResource {
  /** Started; they find each other once the agents have opened the door. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, pki, plan }: RegularMembersArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:etcd:RegularMembers", name, {}, opts);
    const install = (index: 0 | 1, dependsOn: pulumi.Resource[]) => {
      const files = certificateVersions(pki[index]).apply((versions) => ({ ...memberFiles(plan, index), versions }));
      return hosts[index].push("etcd", files, { parent: this, dependsOn });
    };
    const two = install(1, []);
    const one = install(0, [two]);
    this.ready = [one, two];
    this.registerOutputs();
  }
}

/** Everything of a regular member on its node; pure. */
export function memberFiles(plan: MemberPlan, index: 0 | 1): FileSet {
  const unit = (name: string) => ({
    mode: "0644",
    content: readTemplate(`etc/systemd/system/${name}`),
    check: "unit" as const,
  });
  const script = (name: string) => ({ mode: "0755", content: readTemplate(`usr/local/lib/tandem/${name}`) });
  return {
    users: [etcdUser],
    directories: {
      "/etc/tandem/etcd": { mode: "0755" },
      [dataFolders.regular]: { mode: "0700", owner: `${etcdUser.name}:${etcdUser.name}` },
    },
    artifacts: [release(plan)],
    files: {
      [configPath]: { mode: "0644", content: etcdConfig(plan, "regular", index) },
      [joiningPath]: { mode: "0644", content: etcdConfig(plan, "regular", index, "existing") },
      [unitPath]: unit("etcd.service"),
      "/etc/systemd/system/tandem-door.service": unit("tandem-door.service"),
      "/usr/local/lib/tandem/etcd-guard.sh": script("etcd-guard.sh"),
      "/usr/local/lib/tandem/door.sh": script("door.sh"),
    },
    units: [
      { name: "tandem-door.service", enable: true, state: "started" },
      {
        name: "etcd.service",
        enable: true,
        state: "started",
        // Ready means a quorum, and that takes both nodes.
        awaitStart: false,
        // Certificates are read anew for every connection; whom to trust is read once.
        restartOn: [configPath, unitPath, trust, "/usr/local/bin/etcd"],
        gate: "protected",
      },
    ],
    data: [dataFolders.regular],
    purge: plan.purge,
  };
}

function release({ datastore: { etcd }, artifacts }: MemberPlan): ArtifactSpec {
  // An official archive holds one folder of its own name.
  const folder = (etcd.url.split("/").at(-1) ?? "").replace(/\.tar\.gz$/, "");
  const programs = ["etcd", "etcdctl", "etcdutl"].map((program) => [
    `/usr/local/bin/${program}`,
    `${folder}/${program}`,
  ]);
  return {
    name: "etcd",
    url: etcd.url,
    folder: artifacts.bundle,
    sha256: etcd.sha256,
    install: Object.fromEntries(programs) as Record<string, string>,
  };
}
