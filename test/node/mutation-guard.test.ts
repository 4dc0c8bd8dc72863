import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { longestExpression } from "../../components/config/kubernetes-rules.ts";
import { mutationGuard } from "../../components/config/mutation-guard-schema.ts";
import {
  type GuardBinding,
  guardBindings,
  guardPolicies,
  listExpression,
  type RestrictedState,
} from "../../components/kubernetes/mutation-policies.ts";
import { ensureKubernetes } from "../lab/toolchain.ts";
import { ApiServer, type Asked } from "./api-server.ts";
import { eventually } from "./etcd-cluster.ts";
import { guard, objects, type Row, rows, type Verdict } from "./mutation-requests.ts";

const site = "store-0042";
const plan = { site, guard: mutationGuard.parse(guard) };
const every = Object.values(guardBindings).flat();

let server: ApiServer;

// Built at its first use.
beforeAll(() => ensureKubernetes(), 3_600_000);

beforeAll(async () => {
  server = await ApiServer.start();
  await apply([...objects, ...guardPolicies(plan)]);
}, 150_000);

afterAll(() => server?.stop());

/** Objects as they are, as an operator would. */
async function apply(list: readonly object[], args: readonly string[] = []): Promise<void> {
  await server.kubectl(
    ["apply", "--server-side", "-f", "-", ...args],
    list.map((each) => JSON.stringify(each)).join("\n"),
  );
}

/** Puts these bindings, and no others, into force; an API server looks for changes of them once a second. */
async function bind(bindings: readonly GuardBinding[]): Promise<void> {
  const others = every.filter((each) => !bindings.includes(each)).map(({ metadata }) => metadata.name);
  if (others.length > 0)
    await server.kubectl(["delete", "validatingadmissionpolicybinding", "--ignore-not-found", ...others]);
  if (bindings.length > 0) await apply(bindings);
  const names = bindings.map(({ spec }) => spec.policyName).sort();
  await eventually(async () => expect(await inForce()).toEqual(names), 10_000);
}

/** Per policy, a request that it refuses and the others do not. */
const refusedBy: Readonly<Record<string, Asked>> = {
  "tandem-leaderrx": { method: "DELETE", path: "/api/v1/namespaces/shop/pods/web-0?dryRun=All", as: { user: "anna" } },
  "tandem-impaired": {
    method: "PATCH",
    path: "/api/v1/namespaces/shop/configmaps/prices?dryRun=All",
    body: { data: { tea: "1" } },
    as: { user: "anna" },
  },
  "tandem-impaired-reconcile": {
    method: "DELETE",
    path: "/api/v1/namespaces/shop/pods/web-0?dryRun=All",
    as: { user: "system:kube-controller-manager" },
  },
};

/** The policies that hold up something now. */
async function inForce(): Promise<string[]> {
  const asked = Object.entries(refusedBy).map(async ([policy, request]) => {
    const { message } = await server.ask(request);
    return message.includes(`ValidatingAdmissionPolicy '${policy}'`) ? [policy] : [];
  });
  return (await Promise.all(asked)).flat().sort();
}

const refusals: { readonly [S in RestrictedState]: { readonly policy: string; readonly list: string } } = {
  LeaderRX: { policy: "tandem-leaderrx", list: "approvedMutationList" },
  Impaired: { policy: "tandem-impaired", list: "impairedMutationList" },
};

function refusal(state: RestrictedState, verdict: Exclude<Verdict, "allowed">, { told }: Row): string {
  const { policy, list } = refusals[state];
  const denied = (name: string, text: string) =>
    `ValidatingAdmissionPolicy '${name}' with binding '${name}' denied request: site ${site} is ${state}: ${text}`;
  return verdict === "frozen"
    ? denied("tandem-impaired-reconcile", "controllers make and delete no workloads")
    : denied(policy, `${told} is not in ${list}`);
}

async function expectVerdict(row: Row, state: RestrictedState | undefined, verdict: Verdict): Promise<void> {
  const { status, message } = await server.ask(row.asked);
  if (state === undefined || verdict === "allowed") {
    expect({ status: Math.floor(status / 100), message }).toEqual({ status: 2, message: "" });
  } else {
    expect(message).toMatch(new RegExp(`(^|: )${refusal(state, verdict, row).replace(/[/()]/g, "\\$&")}$`));
    expect(status).toBe(403);
  }
}

describe("a whole site", () => {
  beforeAll(() => bind([]));

  test.each(rows)("$what: allowed", (row) => expectVerdict(row, undefined, "allowed"));
});

describe("LeaderRX", () => {
  beforeAll(() => bind(guardBindings.LeaderRX));

  test.each(rows)("$what: $inLeaderRx", (row) => expectVerdict(row, "LeaderRX", row.inLeaderRx));
});

describe("Impaired", () => {
  beforeAll(() => bind(guardBindings.Impaired));

  test.each(rows)("$what: $inImpaired", (row) => expectVerdict(row, "Impaired", row.inImpaired));
});

describe("while one state gives way to the other", () => {
  beforeAll(() => bind(every));

  test.each(rows)("$what: only what both allow", async (row) => {
    const { status } = await server.ask(row.asked);
    const both = row.inLeaderRx === "allowed" && row.inImpaired === "allowed";
    expect(Math.floor(status / 100)).toBe(both ? 2 : 4);
  });
});

describe("values of the configuration", () => {
  const hostile = ["o'brien", "back\\slash", "x'] || true || ['", "Jürgen 🚲", "\\' || true || \\'"];
  const configMaps = { apiGroups: [""], resources: ["configmaps"] };
  const policiesOf = (entry: object) =>
    guardPolicies({ site, guard: mutationGuard.parse({ approvedMutationList: [{ ...configMaps, ...entry }] }) });
  const changePrices = (user: string): Asked => ({
    method: "PATCH",
    path: "/api/v1/namespaces/shop/configmaps/prices?dryRun=All",
    body: { data: { tea: "3" } },
    as: { user },
  });

  test("mean whom they name, and nobody else, whatever they are made of", async () => {
    await apply(policiesOf({ who: { users: hostile } }));
    await bind(guardBindings.LeaderRX);
    await eventually(async () => expect((await server.ask(changePrices("o'brien"))).status).toBe(200), 10_000);
    for (const user of hostile) expect((await server.ask(changePrices(user))).status, user).toBe(200);
    for (const user of ["x", "obrien", "Jürgen"]) expect((await server.ask(changePrices(user))).status, user).toBe(403);
  });

  test("may be as many as the configuration takes, and no more", async () => {
    const names = (length: number) => {
      const { approvedMutationList } = mutationGuard.parse({ approvedMutationList: [{ ...configMaps, names: ["x"] }] });
      // Each is written with quotes, a comma and a blank; two of middling length make up the rest.
      const left = length - listExpression(approvedMutationList).length;
      const many = Math.floor(left / 200) - 1;
      const half = Math.floor((left - 200 * many) / 2);
      const lengths = [...Array<number>(many).fill(200), half, left - 200 * many - half];
      return { names: ["x", ...lengths.map((each) => "n".repeat(each - 4))] };
    };
    const asked = (length: number) => apply(policiesOf(names(length)), ["--dry-run=server"]);
    await asked(longestExpression);
    await expect(asked(longestExpression + 1)).rejects.toThrow("expression code point size exceeds limit");
  });
});

test("a refusal of a request that cannot be told in a line says what it can", async () => {
  await apply(guardPolicies(plan));
  await bind(guardBindings.LeaderRX);
  const clusterRoles = "/apis/rbac.authorization.k8s.io/v1/clusterroles?dryRun=All";
  const body = { metadata: { name: "two\nlines" } };
  const { status, message } = await server.ask({ method: "POST", path: clusterRoles, body });
  expect(status).toBe(403);
  expect(message).toMatch(/denied request: site store-0042 is LeaderRX: this is not in approvedMutationList$/);
});
