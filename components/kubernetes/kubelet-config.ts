import { stringify } from "yaml";
import { formatDuration } from "../config/duration.ts";
import type { ApiEndpoint } from "../config/kubernetes-config.ts";
import { nodeLeaseSeconds, nodeStatusIntervalMs } from "../config/kubernetes-timing.ts";
import type { NodeConfig } from "../config/site-config.ts";
import { endpointUrl } from "./endpoint.ts";
import type { Flags } from "./flags.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { configFolder, kubeletCredential, pkiFolder } from "./paths.ts";

export const kubeletConfigPath = `${configFolder}/kubelet.yaml`;
export const kubeletKubeconfigPath = `${configFolder}/kubelet.kubeconfig`;
export const containerdSocket = "/run/containerd/containerd.sock";

type KubeletNode = Pick<NodeConfig, "name" | "frontend">;

/** Of kubelet; the rest is in its configuration file. */
export function kubeletFlags({ name, frontend }: KubeletNode): Flags {
  return {
    config: kubeletConfigPath,
    kubeconfig: kubeletKubeconfigPath,
    "hostname-override": name,
    "node-ip": frontend,
  };
}

/** A KubeletConfiguration. */
export function kubeletConfig({ frontend }: Pick<KubeletNode, "frontend">): string {
  return stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    address: frontend,
    readOnlyPort: 0,
    tlsCertFile: `${kubeletCredential}.crt`,
    tlsPrivateKeyFile: `${kubeletCredential}.key`,
    tlsMinVersion: "VersionTLS12",
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: `${pkiFolder}/ca.crt` },
    },
    authorization: { mode: "Webhook" },
    cgroupDriver: "systemd",
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    clusterDomain: "cluster.local",
    seccompDefault: true,
    // Nothing here asks for its chains, and nobody would take them away again.
    makeIPTablesUtilChains: false,
    // Whether the node lives is told by its lease; its whole status is written where it changed, and now and then.
    nodeLeaseDurationSeconds: nodeLeaseSeconds,
    nodeStatusUpdateFrequency: formatDuration(nodeStatusIntervalMs),
    nodeStatusReportFrequency: "1m",
    // The datastore and the control plane come first: pods together get what is left.
    systemReserved: { cpu: "500m", memory: "1Gi" },
    enforceNodeAllocatable: ["pods"],
  });
}

/**
 * How kubelet reaches the API: at its address, not beside it. A node whose own API server or etcd member is down is no reason to
 * start its pods elsewhere, and the side that loses a split keeps its pods as long as the frontend is whole.
 */
export function kubeletKubeconfig(endpoint: ApiEndpoint): string {
  return kubeconfig(
    "site",
    { server: endpointUrl(endpoint), "certificate-authority": `${pkiFolder}/ca.crt` },
    { "client-certificate": `${kubeletCredential}.crt`, "client-key": `${kubeletCredential}.key` },
  );
}
