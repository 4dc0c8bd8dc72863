import { describe, expect, it } from "vitest";
import type { UpstreamConfig } from "../../../components/config/kubernetes-config.ts";
import { errorsOf, type Raw, siteOf } from "./sample.ts";

const programs = ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];

function withGuard(mutationGuard: unknown) {
  return (site: Raw) => {
    site.kubernetes = {
      distribution: "upstream",
      version: "v1.34.4",
      sha256: Object.fromEntries(programs.map((name) => [name, "0".repeat(64)])),
      vip: "10.77.1.10/24",
      interface: "eth0",
      mutationGuard,
    };
  };
}

const guardOf = (raw: unknown) => (siteOf(withGuard(raw)).kubernetes as UpstreamConfig).mutationGuard;

const configMaps = { apiGroups: [""], resources: ["configmaps"] };
const everything = { who: undefined, operations: undefined, namespaces: undefined, names: undefined };

describe("a mutation guard", () => {
  it("that says nothing holds up everybody but the control plane", () => {
    expect(guardOf({})).toEqual({
      approvedMutationList: [],
      impairedMutationList: [],
      exempt: { users: [], groups: [] },
    });
  });

  it("has lists of who may do what to what", () => {
    const scale = {
      who: { groups: ["devs"] },
      operations: ["UPDATE"],
      apiGroups: ["apps"],
      resources: ["deployments", "deployments/scale"],
      namespaces: ["shop"],
      names: ["web", "system:web"],
    };
    const exempt = { groups: ["system:serviceaccounts:cert-manager"] };
    expect(guardOf({ approvedMutationList: [scale], impairedMutationList: [configMaps], exempt })).toEqual({
      approvedMutationList: [{ ...scale, who: { users: [], groups: ["devs"] } }],
      impairedMutationList: [{ ...everything, ...configMaps }],
      exempt: { users: [], ...exempt },
    });
  });

  it.each([
    "o'brien",
    "https://issuer.example.org#jane",
    "Jürgen Müller",
    "x'] || true || ['",
    "back\\slash",
  ])("takes %j for the name of a user", (user) => {
    expect(guardOf({ exempt: { users: [user] } })?.exempt.users).toEqual([user]);
  });
});

const entry = (change: object) => ({ approvedMutationList: [{ ...configMaps, ...change }] });
const subject = (kind: string) =>
  `must be the whole name of a ${kind}: at most 256 characters, no *, no control characters, no blanks at its ends`;
const resource =
  "must be a resource in the plural, e.g. deployments, or <resource>/scale, pods/eviction, pods/ephemeralcontainers or pods/resize: no other subresource is guarded, and * is not taken";
const oneList = "approvedMutationList[0]";

const cases: [string, unknown, string][] = [
  [
    "a list of its own name",
    { mutations: [] },
    "mutations: unknown key; known here: approvedMutationList, impairedMutationList, exempt",
  ],
  [
    "a text in the place of a list",
    { approvedMutationList: "all" },
    "approvedMutationList: is a text; must be a list of what may be changed",
  ],
  [
    "an entry without resources",
    { impairedMutationList: [{ apiGroups: [""] }] },
    "impairedMutationList[0].resources: is missing; must be a list, e.g. [deployments/scale]",
  ],
  [
    "a key of another kind of rule",
    entry({ verbs: ["get"] }),
    `${oneList}.verbs: unknown key; known here: who, operations, apiGroups, resources, namespaces, names`,
  ],
  [
    "a list in which nothing is",
    entry({ namespaces: [] }),
    `${oneList}.namespaces: is an empty list; leave it out to mean any`,
  ],
  [
    "a list of no groups",
    entry({ apiGroups: [] }),
    `${oneList}.apiGroups: is an empty list; name the groups, "" for core`,
  ],
  [
    "an operation in lower case",
    entry({ operations: ["update"] }),
    `${oneList}.operations[0]: is "update"; must be CREATE, UPDATE or DELETE`,
  ],
  [
    "an operation that changes nothing",
    entry({ operations: ["CONNECT"] }),
    `${oneList}.operations[0]: is "CONNECT"; must be CREATE, UPDATE or DELETE`,
  ],
  ["every resource", entry({ resources: ["*"] }), `${oneList}.resources[0]: is "*"; ${resource}`],
  [
    "a subresource that is never held up",
    entry({ resources: ["deployments/status"] }),
    `${oneList}.resources[0]: is "deployments/status"; ${resource}`,
  ],
  [
    "every group",
    entry({ apiGroups: ["*"] }),
    `${oneList}.apiGroups[0]: is "*"; must be an API group, e.g. apps; "" is the core group, and * is not taken`,
  ],
  [
    "a group with its version",
    entry({ apiGroups: ["apps/v1"] }),
    `${oneList}.apiGroups[0]: is "apps/v1"; must be an API group, e.g. apps; "" is the core group, and * is not taken`,
  ],
  [
    "a pattern for names",
    entry({ names: ["web-*"] }),
    `${oneList}.names[0]: is "web-*"; must be the whole name of an object, without *, / and %`,
  ],
  [
    "a namespace that is none",
    entry({ namespaces: ["Shop"] }),
    `${oneList}.namespaces[0]: is "Shop"; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters`,
  ],
  ["nobody", entry({ who: {} }), `${oneList}.who: names nobody; leave it out to mean everybody`],
  [
    "a user in the place of users",
    entry({ who: { users: "jane" } }),
    `${oneList}.who.users: is a text; must be a list, e.g. [jane]`,
  ],
  ["every user", entry({ who: { users: ["*"] } }), `${oneList}.who.users[0]: is "*"; ${subject("user")}`],
  [
    "a user with a blank at the end",
    entry({ who: { users: ["jane "] } }),
    `${oneList}.who.users[0]: is "jane "; ${subject("user")}`,
  ],
  [
    "a group of two lines",
    entry({ who: { groups: ["devs\nops"] } }),
    `${oneList}.who.groups[0]: is a text of 8 characters; ${subject("group")}`,
  ],
  ["half a character", { exempt: { users: ["\ud83d"] } }, `exempt.users[0]: is "\\ud83d"; ${subject("user")}`],
  [
    "everybody exempt",
    { exempt: { groups: ["system:authenticated"] } },
    "exempt.groups[0]: is system:authenticated, whose members are everybody: nobody would be held up; name a smaller group",
  ],
  [
    "more than an API server reads",
    {
      approvedMutationList: [
        { ...configMaps, names: Array.from({ length: 500 }, (_, n) => `${n}-${"x".repeat(240)}`) },
      ],
    },
    "approvedMutationList: comes to 123977 characters of CEL, and an API server takes 100000; name groups in the place of users, namespaces in the place of names",
  ],
];

describe("a refusal names the path, what it was, what is allowed", () => {
  it.each(cases)("%s", (_, raw, message) => {
    expect(errorsOf(withGuard(raw))).toEqual([`tandem:site: kubernetes.mutationGuard.${message}`]);
  });
});
