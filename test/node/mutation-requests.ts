/** Requests to an API server of every kind that the mutation guard tells apart, with what becomes of each in every state. */
import {
  configMap,
  container,
  coreEvent,
  deployment,
  newEvent,
  patch,
  pod,
  post,
  remove,
  replicaSet,
  volumeClaim,
} from "./api-objects.ts";
import type { Asked } from "./api-server.ts";

/** What the requests are about; `web-0` runs on node one, and `web-1` waits for a node. */
export const objects = [
  ...["shop", "lab"].flatMap((namespace) => [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } },
    deployment("web", namespace),
    configMap("prices", namespace),
  ]),
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "kube-system" } },
  { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
  pod("web-0", "shop", { nodeName: "n1" }),
  pod("web-1", "shop"),
  pod("dns", "kube-system"),
];

type Who = Asked["as"];

const admin: Who = undefined;
const dev = { user: "dana", groups: ["devs", "system:authenticated"] };
const ops = { user: "oskar", groups: ["ops", "system:authenticated"] };
const breakGlass = { user: "root", groups: ["system:masters", "tandem:break-glass"] };
const manager = { user: "system:kube-controller-manager" };
const scheduler = { user: "system:kube-scheduler" };
const kubelet = { user: "system:node:n1", groups: ["system:nodes"] };
const agent = { user: "tandem-agent" };
const backup = { user: "backup" };
// The API server adds the groups of a service account.
const controller = { user: "system:serviceaccount:kube-system:replicaset-controller" };
const certManager = { user: "system:serviceaccount:cert-manager:cert-manager" };
const argoCd = { user: "system:serviceaccount:argocd:application-controller" };

/** As an author writes it. */
export const guard = {
  approvedMutationList: [
    {
      who: { groups: ["devs"] },
      operations: ["UPDATE"],
      apiGroups: ["apps"],
      resources: ["deployments/scale"],
      namespaces: ["shop"],
    },
    { apiGroups: [""], resources: ["configmaps"], namespaces: ["shop"] },
    { who: { users: ["oskar"] }, operations: ["CREATE"], apiGroups: [""], resources: ["namespaces"], names: ["till"] },
  ],
  impairedMutationList: [{ operations: ["DELETE"], apiGroups: [""], resources: ["pods"] }],
  exempt: { users: ["backup"], groups: ["system:serviceaccounts:cert-manager"] },
};

export interface Row {
  readonly what: string;
  readonly as: Who;
  readonly asked: Asked;
  /** How a refusal names it. */
  readonly told: string;
  readonly inLeaderRx: Verdict;
  readonly inImpaired: Verdict;
}

export type Verdict = "allowed" | "not in the list" | "frozen";

const [yes, no, frozen] = ["allowed", "not in the list", "frozen"] as const;

function row(what: string, as: Who, asked: Asked, told: string, inLeaderRx: Verdict, inImpaired: Verdict): Row {
  return { what, as, asked: { ...asked, ...(as && { as }) }, told, inLeaderRx, inImpaired };
}

const scaleWeb = patch("/apis/apps/v1/namespaces/shop/deployments/web/scale", { spec: { replicas: 3 } });
const deletePod = remove("/api/v1/namespaces/shop/pods/web-0");
const newPod = post("/api/v1/namespaces/shop/pods", pod("new", "shop"));
const evict = (name: string) =>
  post(`/api/v1/namespaces/shop/pods/${name}/eviction`, {
    apiVersion: "policy/v1",
    kind: "Eviction",
    metadata: { name, namespace: "shop" },
  });

export const rows: readonly Row[] = [
  // People and their tools.
  row("a developer scales", dev, scaleWeb, "UPDATE deployments/scale web in shop", yes, no),
  row("an operator scales", ops, scaleWeb, "UPDATE deployments/scale web in shop", no, no),
  row(
    "a developer scales elsewhere",
    dev,
    patch("/apis/apps/v1/namespaces/lab/deployments/web/scale", { spec: { replicas: 3 } }),
    "UPDATE deployments/scale web in lab",
    no,
    no,
  ),
  row(
    "a developer scales by changing the deployment",
    dev,
    patch("/apis/apps/v1/namespaces/shop/deployments/web", { spec: { replicas: 3 } }),
    "UPDATE deployments web in shop",
    no,
    no,
  ),
  row(
    "a developer creates a config map",
    dev,
    post("/api/v1/namespaces/shop/configmaps", configMap("new", "shop")),
    "CREATE configmaps new in shop",
    yes,
    no,
  ),
  row(
    "an operator deletes a config map",
    ops,
    remove("/api/v1/namespaces/shop/configmaps/prices"),
    "DELETE configmaps prices in shop",
    yes,
    no,
  ),
  row(
    "a developer changes a config map elsewhere",
    dev,
    patch("/api/v1/namespaces/lab/configmaps/prices", { data: { tea: "3" } }),
    "UPDATE configmaps prices in lab",
    no,
    no,
  ),
  row(
    "an operator deploys",
    ops,
    post("/apis/apps/v1/namespaces/shop/deployments", deployment("new", "shop")),
    "CREATE deployments new in shop",
    no,
    no,
  ),
  row(
    "an operator creates the namespace that is in the list",
    ops,
    post("/api/v1/namespaces", { metadata: { name: "till" } }),
    "CREATE namespaces till in till",
    yes,
    no,
  ),
  row(
    "an operator creates another namespace",
    ops,
    post("/api/v1/namespaces", { metadata: { name: "tills" } }),
    "CREATE namespaces tills in tills",
    no,
    no,
  ),
  row(
    "an operator creates what belongs to no namespace",
    ops,
    post("/apis/rbac.authorization.k8s.io/v1/clusterroles", { metadata: { name: "new" } }),
    "CREATE clusterroles new",
    no,
    no,
  ),
  row("an administrator deletes a pod", admin, deletePod, "DELETE pods web-0 in shop", no, yes),
  row(
    "an operator deletes all pods of a kind",
    ops,
    remove("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb"),
    "DELETE pods in shop",
    no,
    yes,
  ),
  row("an administrator evicts a pod", admin, evict("web-0"), "CREATE pods/eviction web-0 in shop", no, no),
  row("an administrator starts a pod", admin, newPod, "CREATE pods new in shop", no, no),
  row(
    "a developer looks into a pod with another container",
    dev,
    patch("/api/v1/namespaces/shop/pods/web-0/ephemeralcontainers", {
      spec: { ephemeralContainers: [{ name: "look", image: "busybox" }] },
    }),
    "UPDATE pods/ephemeralcontainers web-0 in shop",
    no,
    no,
  ),
  row(
    "a developer gives a pod more memory",
    dev,
    patch("/api/v1/namespaces/shop/pods/web-0/resize", {
      spec: { containers: [container("64Mi")] },
    }),
    "UPDATE pods/resize web-0 in shop",
    no,
    no,
  ),
  row("a delivery tool scales", argoCd, scaleWeb, "UPDATE deployments/scale web in shop", no, no),

  // Whom the site exempts.
  row("an exempt user starts a pod", backup, newPod, "", yes, yes),
  row("a member of an exempt group starts a pod", certManager, newPod, "", yes, yes),
  row("whoever breaks the glass starts a pod", breakGlass, newPod, "", yes, yes),
  row("the site's agent evicts a pod", agent, evict("web-0"), "", yes, yes),

  // The control plane.
  row("a controller makes a pod", controller, newPod, "", yes, frozen),
  row("a controller deletes a pod", controller, deletePod, "", yes, frozen),
  row(
    "a controller makes a replica set",
    controller,
    post("/apis/apps/v1/namespaces/shop/replicasets", replicaSet()),
    "",
    yes,
    frozen,
  ),
  row(
    "a controller makes a volume claim",
    controller,
    post("/api/v1/namespaces/shop/persistentvolumeclaims", volumeClaim()),
    "",
    yes,
    frozen,
  ),
  row(
    "a controller changes a deployment",
    controller,
    patch("/apis/apps/v1/namespaces/shop/deployments/web", { metadata: { annotations: { revision: "2" } } }),
    "",
    yes,
    yes,
  ),
  row(
    "a controller makes a pod of the cluster's own",
    controller,
    post("/api/v1/namespaces/kube-system/pods", pod("new", "kube-system")),
    "",
    yes,
    yes,
  ),
  row("the controller manager deletes a pod", manager, deletePod, "", yes, frozen),
  row("the controller manager evicts a pod", manager, evict("web-0"), "", yes, frozen),
  row("the scheduler deletes a pod for a more important one", scheduler, deletePod, "", yes, frozen),
  row(
    "the scheduler gives a pod to a node",
    scheduler,
    post("/api/v1/namespaces/shop/pods/web-1/binding", {
      metadata: { name: "web-1" },
      target: { kind: "Node", name: "n1" },
    }),
    "",
    yes,
    yes,
  ),
  row("a kubelet deletes its pod", kubelet, deletePod, "", yes, yes),
  row(
    "a kubelet tells how its node is",
    kubelet,
    patch("/api/v1/nodes/n1/status", { status: { conditions: [{ type: "Ready", status: "True" }] } }),
    "",
    yes,
    yes,
  ),

  // What holds up nobody.
  row(
    "a developer renews a lease",
    dev,
    post("/apis/coordination.k8s.io/v1/namespaces/shop/leases", { metadata: { name: "tool" } }),
    "",
    yes,
    yes,
  ),
  row("a developer tells an event", dev, post("/api/v1/namespaces/shop/events", coreEvent()), "", yes, yes),
  row(
    "a developer tells an event in the new way",
    dev,
    post("/apis/events.k8s.io/v1/namespaces/shop/events", newEvent()),
    "",
    yes,
    yes,
  ),
  row(
    "a delivery tool writes a status",
    argoCd,
    patch("/apis/apps/v1/namespaces/shop/deployments/web/status", { status: { observedGeneration: 1 } }),
    "",
    yes,
    yes,
  ),
  row(
    "a developer gets a service account's token",
    dev,
    post("/api/v1/namespaces/shop/serviceaccounts/default/token", { spec: {} }),
    "",
    yes,
    yes,
  ),
  row(
    "an operator asks what somebody may do",
    ops,
    post("/apis/authorization.k8s.io/v1/subjectaccessreviews", {
      spec: { user: "dana", resourceAttributes: { verb: "get", resource: "pods" } },
    }),
    "",
    yes,
    yes,
  ),
  row(
    "an administrator deletes a policy",
    admin,
    remove("/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/tandem-leaderrx"),
    "",
    yes,
    yes,
  ),
];
