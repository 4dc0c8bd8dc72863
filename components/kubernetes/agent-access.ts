/** What the agent is to the API: a user that may read and change the Node objects of its site, for the out-of-service taint. */
import { stringify } from "yaml";
import type { KubernetesSettings } from "../arbiter/agent/settings.ts";
import type { KubernetesConfig } from "../config/kubernetes-config.ts";
import type { NodeConfig } from "../config/site-config.ts";
import { agentCredential, apiServerPort, k3sFolder, pkiFolder } from "./paths.ts";

export const agentUser = "tandem-agent";

/** How the agent reaches the API server of its node; null where it has nothing to do there. */
export function agentAccess(kubernetes: KubernetesConfig<unknown>): KubernetesSettings | null {
  if (kubernetes.distribution === "none" || !kubernetes.outOfServiceTaint) return null;
  if (kubernetes.distribution === "upstream")
    return {
      port: apiServerPort,
      ca: `${pkiFolder}/ca.crt`,
      certificate: `${agentCredential}.crt`,
      key: `${agentCredential}.key`,
      impersonate: null,
    };
  // k3s's authority is on the nodes alone, so nobody else has a certificate for a user of its own. Its administrator's is there, for root.
  const tls = `${k3sFolder}/server/tls`;
  return {
    port: apiServerPort,
    ca: `${tls}/server-ca.crt`,
    certificate: `${tls}/client-admin.crt`,
    key: `${tls}/client-admin.key`,
    impersonate: agentUser,
  };
}

/** The agent's rights, as objects of the API. RBAC tells Nodes apart, but not their fields. */
export function agentRights(nodes: readonly Pick<NodeConfig, "name">[]): string {
  const apiVersion = "rbac.authorization.k8s.io/v1";
  const metadata = { name: agentUser };
  const apiGroup = "rbac.authorization.k8s.io";
  const objects = [
    {
      apiVersion,
      kind: "ClusterRole",
      metadata,
      rules: [
        {
          apiGroups: [""],
          resources: ["nodes"],
          resourceNames: nodes.map(({ name }) => name),
          verbs: ["get", "patch"],
        },
      ],
    },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata,
      roleRef: { apiGroup, kind: "ClusterRole", name: agentUser },
      subjects: [{ apiGroup, kind: "User", name: agentUser }],
    },
  ];
  return objects.map((object) => stringify(object)).join("---\n");
}
