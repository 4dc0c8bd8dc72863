import * as pulumi from "@pulumi/pulumi";
import type { FileSet, Proof } from "../cli/apply/bundle-type.ts";
import type { UpstreamConfig, WorkloadsConfig } from "../config/kubernetes-config.ts";
import type { ArtifactsConfig, NodeConfig } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import { certificateVersions, pkiFileSet } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { render } from "../render.ts";
import { agentRights } from "./agent-access.ts";
import { flagWords } from "./flags.ts";
import {
  kubeletConfig,
  kubeletConfigPath,
  kubeletFlags,
  kubeletKubeconfig,
  kubeletKubeconfigPath,
} from "./kubelet-config.ts";
import { apiServerPort, configFolder, kubeletCredential, pkiFolder } from "./paths.ts";
import { bridge, cniFolder, podNetwork, podRouteUnit } from "./pod-network.ts";
import { podsData, podsEndFiles } from "./pods-end.ts";
import { release } from "./upstream.ts";

export interface KubeletArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly plan: KubeletPlan;
}

export interface KubeletPlan {
  /** Node one, then node two. */
  readonly nodes: readonly [KubeletNode, KubeletNode];
  readonly kubernetes: Pick<UpstreamConfig, "version" | "source" | "outOfServiceTaint" | "endpoint" | "podCidr">;
  readonly workloads: WorkloadsConfig;
  readonly artifacts: ArtifactsConfig;
  /** Whether destroying also removes what pods left on the node. */
  readonly purge: boolean;
}

type KubeletNode = Pick<NodeConfig, "name" | "frontend">;

const unitFolder = "/etc/systemd/system";
const kubeletUnit = `${unitFolder}/kubelet.service`;
const podsUnit = `${unitFolder}/tandem-pods.service`;
const containerdConfig = "/etc/containerd/config.toml";
const podNetworkPath = `${cniFolder}/10-${bridge}.conflist`;
const rightsPath = `${configFolder}/agent-rights.yaml`;
/** In the name of the API server beside it, which may do everything: objects are made without a way from the operator to the API. */
const agentHasRights: Proof = {
  kind: "succeeds",
  command: [
    "/usr/local/bin/kubectl",
    `--server=https://127.0.0.1:${apiServerPort}`,
    `--certificate-authority=${pkiFolder}/ca.crt`,
    `--client-certificate=${pkiFolder}/kubelet-client.crt`,
    `--client-key=${pkiFolder}/kubelet-client.key`,
    "--request-timeout=5s",
    ...["auth", "reconcile", "--remove-extra-permissions", "--remove-extra-subjects", `--filename=${rightsPath}`],
  ],
  withinSeconds: 60,
};
/** kubelet registers its node and finds its network. */
const readySeconds = 120;

/** What runs pods on both nodes: kubelet on Debian's containerd, with a network for the pods. Node two's is changed first. */
export class Kubelet extends pulumi.ComponentResource {
  /** Both nodes are ready for pods. */
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, pki, plan }: KubeletArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:Kubelet", name, {}, opts);
    const install = (index: 0 | 1, dependsOn: pulumi.Resource[]) => {
      const keys = hosts[index].push("kubelet", pkiFileSet(pki[index]), { parent: this, dependsOn, secret: true });
      const files = certificateVersions(pki[index]).apply((versions) => ({ ...kubeletFiles(plan, index), versions }));
      return hosts[index].push("kubelet", files, { parent: this, dependsOn: [keys] });
    };
    const two = install(1, []);
    const one = install(0, [two]);
    this.ready = [one, two];
    this.registerOutputs();
  }
}

/** Everything that runs pods on one node but its key and certificate; pure. */
export function kubeletFiles({ nodes, kubernetes, workloads, artifacts, purge }: KubeletPlan, index: 0 | 1): FileSet {
  const node = nodes[index];
  const plain = (content: string) => ({ mode: "0644", content });
  const flags = flagWords(kubeletFlags(node));
  const isReady = ["wait", "--for=condition=Ready", `node/${node.name}`, "--timeout=5s"] as const;
  return {
    packages: ["containerd", "runc", "containernetworking-plugins"],
    directories: { [configFolder]: { mode: "0755" }, "/var/lib/kubelet": { mode: "0700" } },
    artifacts: [release("kubelet", workloads.kubeletSha256, kubernetes, artifacts)],
    files: {
      [containerdConfig]: {
        ...plain(render(`${containerdConfig.slice(1)}.hbs`, { pauseImage: workloads.pauseImage, cniFolder })),
        takeOver: true,
      },
      [podNetworkPath]: { ...plain(podNetwork(kubernetes.podCidr, index)), check: "json" },
      [kubeletConfigPath]: plain(kubeletConfig(node)),
      [kubeletKubeconfigPath]: plain(kubeletKubeconfig(kubernetes.endpoint)),
      ...podsEndFiles("pods-end.sh"),
      [podsUnit]: { ...plain(podRouteUnit(kubernetes.podCidr, nodes, index)), check: "unit" },
      [kubeletUnit]: { ...plain(render(`${kubeletUnit.slice(1)}.hbs`, { flags })), check: "unit" },
      ...(kubernetes.outOfServiceTaint && { [rightsPath]: plain(agentRights(nodes)) }),
    },
    units: [
      { name: "containerd.service", enable: true, state: "started", restartOn: [containerdConfig] },
      { name: "tandem-pods.service", enable: true, state: "started", restartOn: [podsUnit] },
      {
        name: "kubelet.service",
        enable: true,
        state: "started",
        restartOn: [
          kubeletUnit,
          "/usr/local/bin/kubelet",
          kubeletConfigPath,
          kubeletKubeconfigPath,
          `${pkiFolder}/ca.crt`,
          `${kubeletCredential}.crt`,
        ],
      },
    ],
    prove: [
      { kind: "active", unit: "kubelet.service", withinSeconds: 30 },
      {
        kind: "succeeds",
        command: ["/usr/local/bin/kubectl", "--kubeconfig", kubeletKubeconfigPath, ...isReady],
        withinSeconds: readySeconds,
      },
      ...(kubernetes.outOfServiceTaint ? [agentHasRights] : []),
    ],
    data: podsData,
    purge,
  };
}
