import { stringify } from "yaml";
import type { UpstreamConfig } from "../config/kubernetes-config.ts";
import type { KubernetesTimes } from "../config/kubernetes-timing.ts";
import type { NodeConfig } from "../config/site-config.ts";
import type { DatastoreProfile } from "../datastore/profile.ts";
import type { Flags } from "./flags.ts";
import { apiServerPort, auditLog, configFolder, etcdClientPath, pkiFolder } from "./paths.ts";

export interface ApiServerPlan {
  readonly node: Pick<NodeConfig, "frontend">;
  readonly kubernetes: Pick<UpstreamConfig, "serviceCidr">;
  readonly times: Pick<KubernetesTimes, "podEvictionMs">;
  readonly datastore: Pick<DatastoreProfile, "endpoints" | "trust">;
}

const days = 30;
const files = 10;
const mebibytes = 100;

/** Of kube-apiserver on one node. */
export function apiServerFlags({ node, kubernetes, times, datastore }: ApiServerPlan): Flags {
  const key = (flag: string, name: string) => ({
    [`${flag}-cert-file`]: `${pkiFolder}/${name}.crt`,
    [`${flag}-private-key-file`]: `${pkiFolder}/${name}.key`,
  });
  return {
    "advertise-address": node.frontend,
    "secure-port": apiServerPort,
    ...key("tls", "api-server"),
    "tls-min-version": "VersionTLS12",
    "client-ca-file": `${pkiFolder}/ca.crt`,
    // Probes show a certificate too.
    "anonymous-auth": false,
    "authorization-mode": "Node,RBAC",
    "enable-admission-plugins": "NodeRestriction",

    "etcd-servers": datastore.endpoints.join(),
    "etcd-cafile": datastore.trust,
    "etcd-certfile": `${etcdClientPath}.crt`,
    "etcd-keyfile": `${etcdClientPath}.key`,
    "encryption-provider-config": `${pkiFolder}/encryption.yaml`,

    "service-cluster-ip-range": kubernetes.serviceCidr,
    "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
    "service-account-key-file": `${pkiFolder}/service-accounts.crt`,
    "service-account-signing-key-file": `${pkiFolder}/service-accounts.key`,

    "kubelet-client-certificate": `${pkiFolder}/kubelet-client.crt`,
    "kubelet-client-key": `${pkiFolder}/kubelet-client.key`,
    "kubelet-certificate-authority": `${pkiFolder}/ca.crt`,
    "kubelet-preferred-address-types": "InternalIP",

    "requestheader-client-ca-file": `${pkiFolder}/front-proxy-ca.crt`,
    "requestheader-allowed-names": "front-proxy",
    "requestheader-username-headers": "X-Remote-User",
    "requestheader-group-headers": "X-Remote-Group",
    "requestheader-extra-headers-prefix": "X-Remote-Extra-",
    "proxy-client-cert-file": `${pkiFolder}/front-proxy-client.crt`,
    "proxy-client-key-file": `${pkiFolder}/front-proxy-client.key`,

    ...tolerationFlags(times),
    ...auditFlags,
    profiling: false,
  };
}

/** How long a pod stays bound to a node that is lost, unless the pod says otherwise. */
export function tolerationFlags({ podEvictionMs }: Pick<KubernetesTimes, "podEvictionMs">): Flags {
  const seconds = Math.ceil(podEvictionMs / 1000);
  return { "default-not-ready-toleration-seconds": seconds, "default-unreachable-toleration-seconds": seconds };
}

export const auditPolicyPath = `${configFolder}/audit-policy.yaml`;

export const auditFlags: Flags = {
  "audit-policy-file": auditPolicyPath,
  "audit-log-path": auditLog,
  "audit-log-maxage": days,
  "audit-log-maxbackup": files,
  "audit-log-maxsize": mebibytes,
};

/** What the audit log grows to: the file that is written and the older ones. */
export const auditBytes = (files + 1) * mebibytes * 2 ** 20;

/** In base64. */
export interface EncryptionKeys {
  readonly current: string;
  /** That of the next rotation. */
  readonly successor: string;
  /** The first of them first. */
  readonly predecessors: readonly string[];
}

/** Under which name etcd keeps what the key of a generation, counted from 0, has encrypted. */
export function encryptionKeyName(generation: number): string {
  return generation === 0 ? "site" : `site-${generation}`;
}

/**
 * What lies in etcd as a secret is encrypted there, with the key that stands first. The others read: what the other node writes whose
 * turn in a rotation was before, what has not been written since, and what comes back from a backup. What was never encrypted is read too.
 */
export function encryptionConfig({ current, successor, predecessors }: EncryptionKeys): string {
  const named = [...predecessors, current, successor].map((secret, index) => ({
    name: encryptionKeyName(index),
    secret,
  }));
  const keys = [...named.slice(-2), ...named.slice(0, -2).toReversed()];
  return stringify({
    apiVersion: "apiserver.config.k8s.io/v1",
    kind: "EncryptionConfiguration",
    resources: [
      {
        resources: ["secrets"],
        providers: [{ secretbox: { keys } }, { identity: {} }],
      },
    ],
  });
}
