import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { ArtifactSpec, FileSet } from "../cli/apply/bundle-type.ts";
import type { ArtifactsConfig } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import { contentsVersion, pkiFileSet } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { readTemplate } from "../render.ts";
import { agentRights } from "./agent-access.ts";
import { auditPolicyPath } from "./api-server.ts";
import {
  admissionConfig,
  admissionPath,
  type K3sConfigPlan,
  k3sOptions,
  kubeletSettings,
  tokenPath,
} from "./k3s-config.ts";
import { configFolder, k3sFolder as dataFolder, logFolder } from "./paths.ts";
import { podsData, podsEndFiles } from "./pods-end.ts";
import { apiIsReady, probeFiles } from "./probe.ts";

export interface K3sArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly plan: K3sPlan;
}

export interface K3sPlan extends K3sConfigPlan {
  readonly artifacts: ArtifactsConfig;
  /** Whether destroying also removes k3s's own data. */
  readonly purge: boolean;
}

const program = "/usr/local/bin/k3s";
const imagesName = "k3s-airgap-images-amd64.tar.zst";
const configPath = "/etc/rancher/k3s/config.yaml";
const kubeletPath = `${dataFolder}/agent/etc/kubelet.conf.d/50-tandem.conf`;
const unitPath = "/etc/systemd/system/k3s.service";
const podsUnitPath = "/etc/systemd/system/tandem-k3s-pods.service";
/** k3s makes what it finds in this folder. */
const rightsPath = `${dataFolder}/server/manifests/tandem-agent.yaml`;
/** For an administrator; k3s writes it once its API answers. */
const kubeconfigPath = "/etc/rancher/k3s/k3s.yaml";
const sysctlPath = "/etc/sysctl.d/90-tandem-k3s.conf";
/** A first start unpacks the program, makes authorities and fills the whole API. */
const readySeconds = 240;

/** k3s on both nodes. Node two's is changed first; node one's only when node two's API answers again. */
export class K3s extends pulumi.ComponentResource {
  /** Both APIs answer. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, pki, plan }: K3sArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:K3s", name, {}, opts);
    const install = (index: 0 | 1, dependsOn: pulumi.Resource[]) => {
      const keys = hosts[index].push("k3s", pkiFileSet(pki[index]), { parent: this, dependsOn, secret: true });
      // All of them: the token is no certificate, and k3s is to be started again with another one.
      const files = contentsVersion(pki[index]).apply((secrets) => ({
        ...k3sFiles(plan, index),
        versions: { secrets },
      }));
      return hosts[index].push("k3s", files, { parent: this, dependsOn: [keys] });
    };
    const two = install(1, []);
    const one = install(0, [two]);
    this.ready = [one, two];
    this.registerOutputs();
  }
}

/** Everything of k3s on its node but token, certificates and keys; pure. */
export function k3sFiles(plan: K3sPlan, index: 0 | 1): FileSet {
  const own = (content: string) => ({ mode: "0600", content });
  const yaml = (values: object) => own(stringify(values, { lineWidth: 0 }));
  return {
    directories: {
      [configFolder]: { mode: "0755" },
      // As k3s makes it; with the manifest in it, it is made before k3s comes.
      ...(plan.kubernetes.outOfServiceTaint && { [`${dataFolder}/server`]: { mode: "0700" } }),
    },
    artifacts: artifacts(plan),
    files: {
      [configPath]: yaml(k3sOptions(plan, index)),
      [kubeletPath]: yaml(kubeletSettings()),
      [admissionPath]: own(admissionConfig()),
      [auditPolicyPath]: own(readTemplate("etc/tandem/kubernetes/audit-policy.yaml")),
      [sysctlPath]: { mode: "0644", content: readTemplate(sysctlPath.slice(1)) },
      ...(plan.kubernetes.outOfServiceTaint && { [rightsPath]: own(agentRights(plan.nodes)) }),
      ...probeFiles(probeCredential, plan.kubernetes.endpoint),
      ...podsEndFiles("k3s-pods-end.sh"),
      ...Object.fromEntries(
        [unitPath, podsUnitPath].map((path) => [
          path,
          { mode: "0644", content: readTemplate(path.slice(1)), check: "unit" as const },
        ]),
      ),
    },
    units: [
      // Stopped last, and never anew: that would end the pods.
      { name: "tandem-k3s-pods.service", enable: true, state: "started" },
      {
        name: "k3s.service",
        enable: true,
        state: "started",
        // Ready takes a quorum of the datastore; what must be seen is told below, with its own patience.
        awaitStart: false,
        restartOn: [
          program,
          // Preflight has seen that it is the cluster's.
          tokenPath,
          configPath,
          kubeletPath,
          admissionPath,
          auditPolicyPath,
          sysctlPath,
          unitPath,
          plan.datastore.trust,
        ],
      },
    ],
    rollBack: true,
    prove: [apiIsReady(readySeconds), { kind: "succeeds", command: ["test", "-s", kubeconfigPath], withinSeconds: 30 }],
    // Its storage stays: those are the pods' own volumes.
    data: [`${dataFolder}/server`, `${dataFolder}/agent`, ...podsData, logFolder],
    purge: plan.purge,
  };
}

/**
 * k3s answers nobody without a certificate of its own authority, and its authority's key is made on the nodes. So the probe shows a
 * certificate that k3s has made before its API server starts: kube-proxy's, which may do the least of all. Only root reads its key.
 */
const probeCredential = {
  ca: `${dataFolder}/server/tls/server-ca.crt`,
  certificate: `${dataFolder}/server/tls/client-kube-proxy.crt`,
  key: `${dataFolder}/server/tls/client-kube-proxy.key`,
};

function artifacts({ kubernetes: { version, source, sha256 }, artifacts: { bundle } }: K3sPlan): ArtifactSpec[] {
  // The files of all releases have the same names.
  const folder = bundle === undefined ? undefined : `${bundle}/k3s-${version}`;
  return [
    { name: "k3s", url: `${source}/k3s`, folder, sha256: sha256.k3s, install: { [program]: "." } },
    {
      name: "k3s-images",
      url: `${source}/${imagesName}`,
      folder,
      sha256: sha256.images,
      install: { [`${dataFolder}/agent/images/${imagesName}`]: "." },
      mode: "0644",
    },
  ];
}
