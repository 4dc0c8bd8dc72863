import { stringify } from "yaml";
import { formatDuration } from "../config/duration.ts";
import type { LeaderElection, UpstreamConfig } from "../config/kubernetes-config.ts";
import type { KubernetesTimes } from "../config/kubernetes-timing.ts";
import type { Flags } from "./flags.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { apiServerPort, configFolder, pkiFolder } from "./paths.ts";

export interface ManagersPlan {
  readonly site: string;
  readonly kubernetes: Pick<UpstreamConfig, "podCidr" | "serviceCidr" | "workloads">;
  readonly times: KubernetesTimes;
}

type Manager = "controller-manager" | "scheduler";

/** Of kube-controller-manager; it asks the API server beside it. */
export function controllerManagerFlags({ site, kubernetes, times }: ManagersPlan): Flags {
  return {
    ...serving("controller-manager"),
    kubeconfig: kubeconfigPath("controller-manager"),
    "cluster-name": site,
    "cluster-cidr": kubernetes.podCidr,
    "service-cluster-ip-range": kubernetes.serviceCidr,
    // Where nodes run pods, each has its half of the network from its configuration.
    "allocate-node-cidrs": kubernetes.workloads === undefined,
    "use-service-account-credentials": true,
    "service-account-private-key-file": `${pkiFolder}/service-accounts.key`,
    "root-ca-file": `${pkiFolder}/ca.crt`,
    ...leaderElectionFlags(times.leaderElection),
    "node-monitor-grace-period": formatDuration(times.nodeMonitorGraceMs),
    profiling: false,
  };
}

export function leaderElectionFlags({ leaseMs, renewMs, retryMs }: LeaderElection): Flags {
  return {
    "leader-elect-lease-duration": formatDuration(leaseMs),
    "leader-elect-renew-deadline": formatDuration(renewMs),
    "leader-elect-retry-period": formatDuration(retryMs),
  };
}

/** Of kube-scheduler; the rest is in its configuration file. */
export function schedulerFlags(): Flags {
  return { ...serving("scheduler"), config: schedulerConfigPath };
}

export const schedulerConfigPath = `${configFolder}/scheduler.yaml`;

export function schedulerConfig({ leaseMs, renewMs, retryMs }: LeaderElection): string {
  return stringify({
    apiVersion: "kubescheduler.config.k8s.io/v1",
    kind: "KubeSchedulerConfiguration",
    clientConnection: { kubeconfig: kubeconfigPath("scheduler") },
    enableProfiling: false,
    leaderElection: {
      leaderElect: true,
      leaseDuration: formatDuration(leaseMs),
      renewDeadline: formatDuration(renewMs),
      retryPeriod: formatDuration(retryMs),
    },
  });
}

export function kubeconfigPath(manager: Manager): string {
  return `${configFolder}/${manager}.kubeconfig`;
}

/** How a manager reaches the API server of its node; it names the files of its certificate and key. */
export function managerKubeconfig(manager: Manager): string {
  return kubeconfig(
    "site",
    { server: `https://127.0.0.1:${apiServerPort}`, "certificate-authority": `${pkiFolder}/ca.crt` },
    { "client-certificate": `${pkiFolder}/${manager}.crt`, "client-key": `${pkiFolder}/${manager}.key` },
  );
}

function serving(manager: Manager): Flags {
  return {
    "bind-address": "127.0.0.1",
    "tls-cert-file": `${pkiFolder}/${manager}.crt`,
    "tls-private-key-file": `${pkiFolder}/${manager}.key`,
    "authentication-kubeconfig": kubeconfigPath(manager),
    "authorization-kubeconfig": kubeconfigPath(manager),
  };
}
