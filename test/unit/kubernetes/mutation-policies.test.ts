import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import type { ApprovedMutation } from "../../../components/config/kubernetes-config.ts";
import { guardBindings, guardPolicies, listExpression } from "../../../components/kubernetes/mutation-policies.ts";

const everything = { who: undefined, operations: undefined, namespaces: undefined, names: undefined };

const scale: ApprovedMutation = {
  who: { users: ["jane"], groups: ["devs"] },
  operations: ["UPDATE"],
  apiGroups: ["apps"],
  resources: ["deployments/scale"],
  namespaces: ["shop"],
  names: ["web", "till"],
};

describe("a list", () => {
  it("that is empty takes nothing", () => {
    expect(listExpression([])).toBe("false");
  });

  it("asks of an entry what it names, and nothing else", () => {
    expect(listExpression([{ ...everything, apiGroups: [""], resources: ["configmaps"] }])).toBe(
      "(request.resource.group in [''] && variables.res in ['configmaps'])",
    );
    expect(listExpression([scale])).toBe(
      "(request.operation in ['UPDATE'] && request.resource.group in ['apps'] && variables.res in ['deployments/scale']" +
        " && variables.ns in ['shop'] && variables.nm in ['web', 'till']" +
        " && (request.userInfo.username in ['jane'] || variables.groups.exists(g, g in ['devs'])))",
    );
  });

  it("takes what any entry takes", () => {
    const pods = { ...everything, apiGroups: [""], resources: ["pods"] };
    expect(listExpression([scale, pods])).toBe(`${listExpression([scale])} || ${listExpression([pods])}`);
  });

  it("has no CEL in it that comes from a value", () => {
    const hostile = "x'] || true || request.operation in ['";
    const entry: ApprovedMutation = {
      who: { users: [hostile], groups: [hostile] },
      operations: undefined,
      apiGroups: [hostile],
      resources: [hostile],
      namespaces: [hostile],
      names: [hostile],
    };
    const literals = /'(?:[^'\\]|\\.)*'/g;
    expect(listExpression([entry]).replace(literals, "''")).toBe(
      "(request.resource.group in [''] && variables.res in [''] && variables.ns in [''] && variables.nm in ['']" +
        " && (request.userInfo.username in [''] || variables.groups.exists(g, g in [''])))",
    );
  });
});

const plan = {
  site: "store-0042",
  guard: {
    approvedMutationList: [scale],
    impairedMutationList: [],
    exempt: { users: ["backup"], groups: ["system:serviceaccounts:cert-manager"] },
  },
};

describe("the policies", () => {
  it("are as they were reviewed", async () => {
    const text = guardPolicies(plan).map((policy) => stringify(policy, { aliasDuplicateObjects: false, lineWidth: 0 }));
    await expect(text.join("---\n")).toMatchFileSnapshot("policies.yaml");
  });

  it("are each bound by one binding, in one state", () => {
    const bound = Object.values(guardBindings)
      .flat()
      .map(({ spec }) => spec.policyName);
    expect(bound.sort()).toEqual(
      guardPolicies(plan)
        .map(({ metadata }) => metadata.name)
        .sort(),
    );
  });

  it("exempt the same control plane whatever the site names besides it", () => {
    const bare = { ...plan, guard: { ...plan.guard, exempt: { users: [], groups: [] } } };
    const conditions = (of: typeof plan) => JSON.stringify(guardPolicies(of).map(({ spec }) => spec.matchConditions));
    expect(
      conditions(plan).replaceAll(", 'backup'", "").replaceAll(", 'system:serviceaccounts:cert-manager'", ""),
    ).toBe(conditions(bare));
  });
});
