import { ASIDE_PORT } from "./arbiter/agent/paths.ts";
import type { Expectations, VolumeExpectations } from "./cli/preflight/expectations.ts";
import type { ClusterConfig, KubernetesConfig } from "./config/kubernetes-config.ts";
import type { SiteConfig, WitnessedSite } from "./config/site-config.ts";
import { volumeBytes } from "./drbd.ts";
import { peerUrl } from "./etcd/config.ts";
import { auditBytes } from "./kubernetes/api-server.ts";
import { logFolder } from "./kubernetes/paths.ts";

const mebibyte = 2 ** 20;
/** The programs, and a download beside them. */
const programBytes = 400 * mebibyte;
/** The same of Kubernetes, and of what runs its pods. */
const kubernetesBytes = 500 * mebibyte;
const workloadsBytes = 500 * mebibyte;
/** A few. */
const imagesBytes = 500 * mebibyte;
const kubernetesPorts: Readonly<Record<ClusterConfig["distribution"], readonly number[]>> = {
  // The API, controller-manager, scheduler.
  upstream: [6443, 10257, 10259],
  // The same behind k3s's own port, cloud-controller-manager, kubelet and kube-proxy.
  k3s: [6443, 6444, 10248, 10249, 10250, 10256, 10257, 10258, 10259],
};
/** kubelet, and its own health. */
const kubeletPorts = [10250, 10248];
/** etcd keeps its database, and a snapshot or a defragmented copy beside it, and its log. */
const databaseCopies = 3;

/** What a node must be before anything is installed on it. */
export function nodeExpectations(config: SiteConfig, index: 0 | 1): Expectations {
  const { name: site, nodes, kubernetes } = config;
  const node = nodes[index];
  const { name: machine, frontend } = node;
  const data = config.witness === undefined ? nothingKept : dataExpectations(config, index);
  const needed = neededBy(kubernetes);
  return {
    site,
    machine,
    ports: [...data.ports, ...needed.ports],
    freeBytes: programBytes + needed.freeBytes,
    growsTo: { ...data.growsTo, ...needed.growsTo },
    node: {
      addresses: "backend" in node ? { frontend, backend: node.backend } : { frontend },
      ...data.node,
      ...(kubernetes.distribution === "none" || kubernetes.endpoint.kind !== "vip"
        ? {}
        : {
            apiAddress: {
              vip: kubernetes.endpoint.address,
              interface: kubernetes.endpoint.interface,
              frontend,
              sibling: nodes[index === 0 ? 1 : 0].frontend,
            },
          }),
    },
  };
}

const nothingKept = { ports: [], growsTo: {}, node: {} };

/** Of a node that keeps the data. */
function dataExpectations({ nodes, witness, datastore, kubernetes }: WitnessedSite, index: 0 | 1) {
  const { disk } = nodes[index];
  const { quotaBackendBytes, drbd } = datastore;
  const isBalanced = kubernetes.distribution !== "none" && kubernetes.endpoint.kind === "load-balancer";
  const volume: VolumeExpectations = {
    disk,
    kept: {
      index,
      sibling: nodes[index === 0 ? 1 : 0].name,
      disk,
      peerUrl: peerUrl(nodes[index]),
      minor: drbd.minor,
      port: drbd.port,
    },
    diskBytes: volumeBytes(quotaBackendBytes),
    drbd: drbd.version,
    drbdByPackage: drbd.package !== undefined,
    witnessUrl: witness.url,
  };
  return {
    // E's clients and peers, T's peers and clients, the handshake, DRBD.
    ports: [2379, 2380, 2382, 2383, 2384, drbd.port, ...(isBalanced ? [ASIDE_PORT] : [])],
    growsTo: { "/var/lib/etcd": databaseCopies * quotaBackendBytes },
    node: { volume },
  };
}

function neededBy(kubernetes: KubernetesConfig): Pick<Expectations, "ports" | "freeBytes" | "growsTo"> {
  if (kubernetes.distribution === "none") return { ports: [], freeBytes: 0, growsTo: {} };
  const ports = kubernetesPorts[kubernetes.distribution];
  const growsTo = { [logFolder]: auditBytes };
  if (kubernetes.distribution === "k3s" || kubernetes.workloads === undefined)
    return { ports, freeBytes: kubernetesBytes, growsTo };
  return {
    ports: [...ports, ...kubeletPorts],
    freeBytes: kubernetesBytes + workloadsBytes,
    growsTo: { ...growsTo, "/var/lib/containerd": imagesBytes },
  };
}

/** The same for a machine that is no node: a witness that the stack installs, a load balancer, or both in one. */
export function helperExpectations(site: string, machine: string, ports: readonly number[]): Expectations {
  return { site, machine, ports, freeBytes: 100 * mebibyte, growsTo: {} };
}
