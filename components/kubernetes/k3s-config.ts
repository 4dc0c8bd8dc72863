/** What k3s, and what runs within it, reads when it starts; all of it serialised from values. */
import { stringify } from "yaml";
import { formatDuration } from "../config/duration.ts";
import { nth, parseNetwork } from "../config/ipv4.ts";
import type { K3sConfig } from "../config/kubernetes-config.ts";
import { type KubernetesTimes, nodeLeaseSeconds, nodeStatusIntervalMs } from "../config/kubernetes-timing.ts";
import type { NodeConfig } from "../config/site-config.ts";
import type { DatastoreProfile } from "../datastore/profile.ts";
import { auditFlags, tolerationFlags } from "./api-server.ts";
import { type Flags, flagArguments } from "./flags.ts";
import { leaderElectionFlags } from "./managers.ts";
import { apiServerPort, configFolder, etcdClientPath } from "./paths.ts";

export interface K3sConfigPlan {
  /** Node one, then node two. */
  readonly nodes: readonly [Pick<NodeConfig, "name" | "frontend">, Pick<NodeConfig, "name" | "frontend">];
  readonly kubernetes: Omit<K3sConfig, "token">;
  readonly times: KubernetesTimes;
  readonly datastore: Pick<DatastoreProfile, "endpoints" | "trust">;
}

export const tokenPath = "/etc/rancher/k3s/token";
export const admissionPath = `${configFolder}/admission.yaml`;
/** Free namespaces of k3s's own parts, which could not run otherwise. */
const exemptNamespaces = ["kube-system"];

/** k3s's configuration file. The keys are its command line's. */
export function k3sOptions(
  { nodes, kubernetes, times, datastore }: K3sConfigPlan,
  index: 0 | 1,
): Readonly<Record<string, unknown>> {
  const { name, frontend } = nodes[index];
  const { endpoint, podCidr, serviceCidr, disable } = kubernetes;
  const passed = k3sFlags(times);
  return {
    "node-name": name,
    "node-ip": frontend,
    "advertise-address": frontend,
    "flannel-iface": kubernetes.interface,
    "https-listen-port": apiServerPort,
    "tls-san": [endpoint.address, ...nodes.flatMap((node) => [node.name, node.frontend])],

    "token-file": tokenPath,
    "datastore-endpoint": datastore.endpoints.join(),
    "datastore-cafile": datastore.trust,
    "datastore-certfile": `${etcdClientPath}.crt`,
    "datastore-keyfile": `${etcdClientPath}.key`,

    "cluster-cidr": podCidr,
    "service-cidr": serviceCidr,
    "cluster-dns": nth(parseNetwork(serviceCidr), 10),
    disable,

    "write-kubeconfig-mode": "0600",
    "secrets-encryption": true,
    "secrets-encryption-provider": "secretbox",
    "protect-kernel-defaults": true,
    ...Object.fromEntries(Object.entries(passed).map(([program, flags]) => [`${program}-arg`, flagArguments(flags)])),
  };
}

/** What k3s passes on to the programs of Kubernetes that it holds. If one of them loses its lease, all of k3s ends. */
export function k3sFlags(times: KubernetesTimes) {
  const election = leaderElectionFlags(times.leaderElection);
  return {
    "kube-apiserver": {
      "enable-admission-plugins": "NodeRestriction,EventRateLimit",
      "admission-control-config-file": admissionPath,
      "service-account-extend-token-expiration": false,
      ...tolerationFlags(times),
      ...auditFlags,
    },
    "kube-controller-manager": {
      ...election,
      "node-monitor-grace-period": formatDuration(times.nodeMonitorGraceMs),
      "terminated-pod-gc-threshold": 100,
    },
    "kube-scheduler": election,
    "kube-cloud-controller-manager": election,
  } satisfies Record<string, Flags>;
}

/** kubelet's own settings, in the folder where k3s lets it look for more of them. */
export function kubeletSettings() {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    nodeStatusUpdateFrequency: formatDuration(nodeStatusIntervalMs),
    nodeLeaseDurationSeconds: nodeLeaseSeconds,
    streamingConnectionIdleTimeout: "5m",
    tlsCipherSuites: [
      "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
      "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
      "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305",
      "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305",
    ],
  };
}

/** What the API server lets in; a namespace may ask for another level by its labels. */
export function admissionConfig(): string {
  const level = (name: string) => ({ [name]: "restricted", [`${name}-version`]: "latest" });
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "AdmissionConfiguration",
    plugins: [
      {
        name: "PodSecurity",
        configuration: {
          apiVersion: "pod-security.admission.config.k8s.io/v1",
          kind: "PodSecurityConfiguration",
          defaults: { ...level("enforce"), ...level("audit"), ...level("warn") },
          exemptions: { namespaces: exemptNamespaces },
        },
      },
      {
        name: "EventRateLimit",
        configuration: {
          apiVersion: "eventratelimit.admission.k8s.io/v1alpha1",
          kind: "Configuration",
          limits: [{ type: "Server", qps: 5000, burst: 20_000 }],
        },
      },
    ],
  });
}
