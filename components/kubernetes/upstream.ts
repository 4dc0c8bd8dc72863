import * as pulumi from "@pulumi/pulumi";
import type { ArtifactSpec, FileSet, UnitSpec } from "../cli/apply/bundle-type.ts";
import type { ControlPlaneProgram, UpstreamConfig } from "../config/kubernetes-config.ts";
import type { KubernetesTimes } from "../config/kubernetes-timing.ts";
import type { ArtifactsConfig, NodeConfig } from "../config/site-config.ts";
import type { DatastoreProfile } from "../datastore/profile.ts";
import type { Host } from "../host.ts";
import { certificateVersions, pkiFileSet } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { readTemplate, render } from "../render.ts";
import { apiServerFlags, auditPolicyPath } from "./api-server.ts";
import { type Flags, flagWords } from "./flags.ts";
import {
  controllerManagerFlags,
  kubeconfigPath,
  managerKubeconfig,
  schedulerConfig,
  schedulerConfigPath,
  schedulerFlags,
} from "./managers.ts";
import { configFolder, kubernetesUser, logFolder, pkiFolder } from "./paths.ts";
import { answers, apiIsReady, probeFiles } from "./probe.ts";

export interface UpstreamArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly plan: UpstreamPlan;
}

export interface UpstreamPlan {
  readonly site: string;
  /** Node one, then node two. */
  readonly nodes: readonly [Pick<NodeConfig, "name" | "frontend">, Pick<NodeConfig, "name" | "frontend">];
  readonly kubernetes: UpstreamConfig;
  readonly times: KubernetesTimes;
  readonly datastore: Pick<DatastoreProfile, "endpoints" | "trust" | "unit">;
  readonly artifacts: ArtifactsConfig;
  /** Whether destroying also removes the audit log. */
  readonly purge: boolean;
}

/** A first start on a slow machine migrates and fills the whole API. */
const readySeconds = 90;

/** The control plane on both nodes. Node two's is changed first; node one's only when node two's API answers again. */
export class Upstream extends pulumi.ComponentResource {
  /** Both APIs answer. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, pki, plan }: UpstreamArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:Upstream", name, {}, opts);
    const install = (index: 0 | 1, dependsOn: pulumi.Resource[]) => {
      const secrets = pkiFileSet(pki[index], { users: [kubernetesUser] });
      const keys = hosts[index].push("upstream", secrets, { parent: this, dependsOn, secret: true });
      const files = certificateVersions(pki[index]).apply((versions) => ({ ...upstreamFiles(plan, index), versions }));
      return hosts[index].push("upstream", files, { parent: this, dependsOn: [keys] });
    };
    const two = install(1, []);
    const one = install(0, [two]);
    this.ready = [one, two];
    this.registerOutputs();
  }
}

/** Everything of the control plane on its node but keys and certificates; pure. */
export function upstreamFiles(
  { site, nodes, kubernetes, times, datastore, artifacts, purge }: UpstreamPlan,
  index: 0 | 1,
): FileSet {
  const node = nodes[index];
  const trust = `${pkiFolder}/ca.crt`;
  const signing = [`${pkiFolder}/service-accounts.crt`, `${pkiFolder}/service-accounts.key`];
  const programs: readonly Program[] = [
    {
      name: "kube-apiserver",
      description: "Kubernetes API server",
      after: datastore.unit === undefined ? [] : [datastore.unit],
      type: "notify",
      flags: apiServerFlags({ node, kubernetes, times, datastore }),
      // It reads its own certificates and those of its clients anew, but not these.
      reads: [auditPolicyPath, datastore.trust, trust, `${pkiFolder}/encryption.yaml`, ...signing],
    },
    {
      name: "kube-controller-manager",
      description: "Kubernetes controller manager",
      after: ["kube-apiserver.service"],
      type: "exec",
      flags: controllerManagerFlags({ site, kubernetes, times }),
      reads: [kubeconfigPath("controller-manager"), trust, ...signing],
    },
    {
      name: "kube-scheduler",
      description: "Kubernetes scheduler",
      after: ["kube-apiserver.service"],
      type: "exec",
      flags: schedulerFlags(),
      reads: [kubeconfigPath("scheduler"), trust, schedulerConfigPath],
    },
  ];
  const plain = (content: string) => ({ mode: "0644", content });
  return {
    users: [kubernetesUser],
    directories: { [configFolder]: { mode: "0755" } },
    artifacts: [...programs.map(({ name }) => name), "kubectl" as const].map((name) =>
      release(name, kubernetes.sha256[name], kubernetes, artifacts),
    ),
    files: {
      [auditPolicyPath]: plain(readTemplate("etc/tandem/kubernetes/audit-policy.yaml")),
      [kubeconfigPath("controller-manager")]: plain(managerKubeconfig("controller-manager")),
      [kubeconfigPath("scheduler")]: plain(managerKubeconfig("scheduler")),
      [schedulerConfigPath]: plain(schedulerConfig(times.leaderElection)),
      ...probeFiles(
        {
          ca: trust,
          certificate: `${pkiFolder}/probe.crt`,
          key: `${pkiFolder}/probe.key`,
        },
        kubernetes.endpoint,
      ),
      ...Object.fromEntries(
        programs.map((program) => [unitPath(program), { ...plain(unitFile(program)), check: "unit" as const }]),
      ),
    },
    units: programs.map(unit),
    rollBack: true,
    prove: [apiIsReady(readySeconds), answers("kube-controller-manager", 60), answers("kube-scheduler", 60)],
    data: [logFolder],
    purge,
  };
}

interface Program {
  readonly name: Exclude<ControlPlaneProgram, "kubectl">;
  readonly description: string;
  readonly after: readonly string[];
  /** systemd's. */
  readonly type: "notify" | "exec";
  readonly flags: Flags;
  /** Files that it reads when it starts, and not again. */
  readonly reads: readonly string[];
}

function unitPath({ name }: Program): string {
  return `/etc/systemd/system/${name}.service`;
}

function unitFile({ name, description, after, type, flags }: Program): string {
  const values = { program: name, description, after, type, flags: flagWords(flags), user: kubernetesUser.name };
  return render("etc/systemd/system/kube-control-plane.service.hbs", values);
}

function unit(program: Program): UnitSpec {
  return {
    name: `${program.name}.service`,
    enable: true,
    state: "started",
    restartOn: [unitPath(program), `/usr/local/bin/${program.name}`, ...program.reads],
  };
}

/** A program of the release. */
export function release(
  name: string,
  sha256: string,
  { source, version }: Pick<UpstreamConfig, "source" | "version">,
  artifacts: ArtifactsConfig,
): ArtifactSpec {
  return {
    name,
    url: `${source}/${name}`,
    // The programs of all releases have the same names.
    folder: artifacts.bundle === undefined ? undefined : `${artifacts.bundle}/kubernetes-${version}`,
    sha256,
    install: { [`/usr/local/bin/${name}`]: "." },
  };
}
