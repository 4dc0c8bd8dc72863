import type { UserSpec } from "../cli/apply/bundle-type.ts";

/** Under which the control plane runs. */
export const kubernetesUser: UserSpec = { name: "tandem-kubernetes", id: 6443, home: "/var/lib/tandem-kubernetes" };

export const configFolder = "/etc/tandem/kubernetes";
export const pkiFolder = "/etc/tandem/pki/kubernetes";
/** Without its endings. */
export const kubeletCredential = `${pkiFolder}/kubelet`;
/** Of the agent as a client of the API; without its endings. */
export const agentCredential = `${pkiFolder}/agent`;
export const k3sFolder = "/var/lib/rancher/k3s";
export const logFolder = "/var/log/tandem-kubernetes";
export const auditLog = `${logFolder}/audit.log`;
export const apiServerPort = 6443;
/** Of the certificate and the key of the node's client of etcd, without their suffixes. */
export const etcdClientPath = `${pkiFolder}/etcd-client`;
/** Asks the node's own API server. */
export const probeScript = "/usr/local/lib/tandem/api-server-probe.sh";
