/**
 * The mutation guard as objects of the Kubernetes API: one policy per rule, and per state of a site the bindings that put its policies
 * into force. A policy without a binding holds up nothing. All of it is pure.
 */
import type { ApprovedMutation, MutationGuardConfig, Subjects } from "../config/kubernetes-config.ts";
import { agentUser } from "./agent-access.ts";
import { celString, celStrings } from "./cel.ts";

export interface GuardPlan {
  readonly site: string;
  readonly guard: MutationGuardConfig;
}

/** States of a site in which its API is restricted. */
export type RestrictedState = "LeaderRX" | "Impaired";

const apiVersion = "admissionregistration.k8s.io/v1" as const;

/** Who makes the cluster work, under the names of kubernetes.io's programs and of k3s's. The API server cannot do without them. */
const controlPlane = [
  "system:apiserver",
  "system:kube-controller-manager",
  "system:kube-scheduler",
  "system:kube-proxy",
  "system:k3s-supervisor",
  "system:k3s-controller",
  "k3s-cloud-controller-manager",
  agentUser,
];

export const breakGlassGroup = "tandem:break-glass";

/** The kubelets; the controllers, each under its own service account; whoever was let in by hand. */
const controlPlaneGroups = ["system:nodes", "system:serviceaccounts:kube-system", breakGlassGroup];

/** For people alone: what is left out here no policy can hold up. `*` names no subresource. */
const guarded = {
  matchPolicy: "Equivalent",
  namespaceSelector: {},
  objectSelector: {},
  resourceRules: [
    rule(
      ["*"],
      ["CREATE", "UPDATE", "DELETE"],
      ["*", "*/scale", "pods/eviction", "pods/ephemeralcontainers", "pods/resize"],
    ),
  ],
  // Who holds a lease or tells an event changes nothing, and nobody can do without.
  excludeResourceRules: [
    rule(["coordination.k8s.io"], ["*"], ["leases"]),
    rule(["", "events.k8s.io"], ["*"], ["events"]),
  ],
};

const variables = [
  {
    name: "res",
    expression:
      "has(request.subResource) && request.subResource != '' ? request.resource.resource + '/' + request.subResource : request.resource.resource",
  },
  // What is empty is not there at all.
  { name: "ns", expression: "has(request.namespace) ? request.namespace : ''" },
  { name: "nm", expression: "has(request.name) ? request.name : ''" },
  { name: "groups", expression: "has(request.userInfo.groups) ? request.userInfo.groups : []" },
];

const names = {
  leaderRx: "tandem-leaderrx",
  impaired: "tandem-impaired",
  reconcile: "tandem-impaired-reconcile",
} as const;

export type GuardPolicy = ReturnType<typeof guardPolicies>[number];

/** Every policy of a site. */
export function guardPolicies({ site, guard }: GuardPlan) {
  return [
    listPolicy(names.leaderRx, site, "LeaderRX", guard, "approvedMutationList"),
    listPolicy(names.impaired, site, "Impaired", guard, "impairedMutationList"),
    reconcilePolicy(site),
  ];
}

/** What is in force in a state, and nothing else of the guard; while the site is whole, no binding is. */
export const guardBindings: Readonly<Record<RestrictedState, readonly GuardBinding[]>> = {
  LeaderRX: [binding(names.leaderRx)],
  Impaired: [binding(names.impaired), binding(names.reconcile)],
};

export type GuardBinding = ReturnType<typeof binding>;

/** Holds up what users do, but for what is in the list. */
function listPolicy(
  name: string,
  site: string,
  state: RestrictedState,
  guard: MutationGuardConfig,
  list: "approvedMutationList" | "impairedMutationList",
) {
  const { users, groups } = guard.exempt;
  const [begin, end] = [`site ${site} is ${state}: `, ` is not in ${list}`];
  return policy(name, {
    failurePolicy: "Fail",
    matchConstraints: guarded,
    matchConditions: [
      { name: "not-exempt-user", expression: `!(${isUser([...controlPlane, ...users])})` },
      {
        name: "not-exempt-group",
        expression: `!has(request.userInfo.groups) || !${isMember("request.userInfo.groups", [...controlPlaneGroups, ...groups])}`,
      },
    ],
    variables,
    validations: [
      {
        expression: listExpression(guard[list]),
        reason: "Forbidden",
        // In the place of the other where that has two lines: the names of some kinds of objects may.
        message: `${begin}this${end}`,
        messageExpression: [
          `${celString(begin)} + request.operation + ' ' + variables.res`,
          "(variables.nm != '' ? ' ' + variables.nm : '')",
          "(variables.ns != '' ? ' in ' + variables.ns : '')",
          celString(end),
        ].join(" + "),
      },
    ],
  });
}

/** Keeps the controllers of a side that may be cut off from moving the other side's workloads. */
function reconcilePolicy(site: string) {
  return policy(names.reconcile, {
    // Without it the cluster is as it would be without the guard; without its controllers it would be dead.
    failurePolicy: "Ignore",
    matchConstraints: {
      matchPolicy: "Equivalent",
      namespaceSelector: {},
      objectSelector: {},
      resourceRules: [
        rule([""], ["CREATE", "DELETE"], ["pods", "pods/eviction", "persistentvolumeclaims"]),
        rule(["apps", "batch"], ["CREATE", "DELETE"], ["*"]),
      ],
    },
    matchConditions: [
      {
        name: "controllers-only",
        expression: `${isUser(["system:kube-controller-manager", "system:kube-scheduler"])} || (has(request.userInfo.groups) && ${isMember("request.userInfo.groups", ["system:serviceaccounts:kube-system"])})`,
      },
      { name: "not-kube-system", expression: "!has(request.namespace) || request.namespace != 'kube-system'" },
    ],
    validations: [
      {
        expression: "false",
        reason: "Forbidden",
        message: `site ${site} is Impaired: controllers make and delete no workloads`,
      },
    ],
  });
}

/** Whether a request is in the list, as CEL over the policy's variables. */
export function listExpression(mutations: readonly ApprovedMutation[]): string {
  return mutations.map(mutationExpression).join(" || ") || "false";
}

function mutationExpression({ who, operations, apiGroups, resources, namespaces, names }: ApprovedMutation): string {
  const terms = [
    isOneOf("request.operation", operations),
    isOneOf("request.resource.group", apiGroups),
    isOneOf("variables.res", resources),
    isOneOf("variables.ns", namespaces),
    isOneOf("variables.nm", names),
    who && isSubject(who),
  ];
  return `(${terms.filter((term) => term !== undefined).join(" && ")})`;
}

function isOneOf<T extends readonly string[] | undefined>(value: string, list: T) {
  return list && `${value} in ${celStrings(list)}`;
}

function isSubject({ users, groups }: Subjects): string {
  return `(${isUser(users)} || ${isMember("variables.groups", groups)})`;
}

function isUser(users: readonly string[]): string {
  return `request.userInfo.username in ${celStrings(users)}`;
}

function isMember(of: string, groups: readonly string[]): string {
  return `${of}.exists(g, g in ${celStrings(groups)})`;
}

function rule(apiGroups: string[], operations: string[], resources: string[]) {
  return { apiGroups, apiVersions: ["*"], operations, resources, scope: "*" };
}

function policy<S>(name: string, spec: S) {
  return { apiVersion, kind: "ValidatingAdmissionPolicy" as const, metadata: { name }, spec };
}

function binding(policyName: string) {
  return {
    apiVersion,
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: policyName },
    spec: {
      policyName,
      validationActions: ["Deny", "Audit"],
      matchResources: { matchPolicy: "Equivalent", namespaceSelector: {}, objectSelector: {} },
    },
  } as const;
}
