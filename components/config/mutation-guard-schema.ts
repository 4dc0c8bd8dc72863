/** The shape of `kubernetes.mutationGuard`: who may do what while the site is not whole. */
import { z } from "zod";
import { choice, label, map, matching, text } from "./fields.ts";
import type { ApprovedMutation, MutationGuardConfig, Subjects } from "./kubernetes-config.ts";
import { receivedKind } from "./problems.ts";

/** Whatever a certificate, a token or an OIDC issuer may call somebody. What stands for several elsewhere, `*`, is a mistake here. */
const subjectName = (kind: string) =>
  text(
    `the whole name of a ${kind}: at most 256 characters, no *, no control characters, no blanks at its ends`,
    // Without the pattern for editors, which would read it without the flag.
    (value) => (/^(?! )[^*\p{C}\p{Zl}\p{Zp}]{1,256}(?<! )$/u.test(value) ? value : undefined),
  );

const apiGroup = matching(
  'an API group, e.g. apps; "" is the core group, and * is not taken',
  /^([a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*)?$/,
);

const resource = matching(
  "a resource in the plural, e.g. deployments, or <resource>/scale, pods/eviction, pods/ephemeralcontainers or pods/resize: no other subresource is guarded, and * is not taken",
  /^([a-z]([a-z0-9.-]*[a-z0-9])?(\/scale)?|pods\/(eviction|ephemeralcontainers|resize))$/,
);

const objectName = matching("the whole name of an object, without *, / and %", /^(?!\.{1,2}$)[!-$&-)+-.0-~]{1,253}$/);

/** At least one value: nothing would be in an empty list, and its author may have meant everything. */
function some<T extends z.ZodType>(of: T, example: string, ifEmpty = "leave it out to mean any") {
  return z
    .array(of, { error: (issue) => `${receivedKind(issue.input)}; must be a list, e.g. ${example}` })
    .min(1, { error: `is an empty list; ${ifEmpty}` });
}

const who = map({
  users: some(subjectName("user"), "[jane]").optional().describe("Names of users"),
  groups: some(subjectName("group"), "[devs]").optional().describe("Names of groups"),
})
  .refine(({ users, groups }) => users !== undefined || groups !== undefined, {
    error: "names nobody; leave it out to mean everybody",
  })
  .transform((value): Subjects => ({ users: value.users ?? [], groups: value.groups ?? [] }));

const mutation = map({
  who: who.optional().describe("Users, and members of groups, who may do it; everybody where absent"),
  operations: some(choice(["CREATE", "UPDATE", "DELETE"]), "[UPDATE]")
    .optional()
    .describe("CREATE, UPDATE (patches too) or DELETE; an eviction is the CREATE of pods/eviction"),
  apiGroups: some(apiGroup, "[apps]", 'name the groups, "" for core').describe('API groups; "" is the core group'),
  resources: some(resource, "[deployments/scale]", "name the resources").describe(
    "Resources in the plural, subresources after a slash",
  ),
  namespaces: some(label, "[shop]").optional().describe("Namespaces; what lies in none is in no such list"),
  names: some(objectName, "[web]")
    .optional()
    .describe("Names of objects; a collection that is deleted as a whole has none"),
}).transform(
  ({ who, operations, namespaces, names, ...value }): ApprovedMutation => ({
    who,
    operations,
    ...value,
    namespaces,
    names,
  }),
);

function mutations(state: string) {
  return z
    .array(mutation, { error: (issue) => `${receivedKind(issue.input)}; must be a list of what may be changed` })
    .prefault([])
    .describe(`What users may change while the site is ${state}`);
}

function names(of: z.ZodType<string, string>, kind: string) {
  return z
    .array(of, { error: (issue) => `${receivedKind(issue.input)}; must be a list of names of ${kind}` })
    .prefault([]);
}

const narrowGroup = subjectName("group").refine((value) => value !== "system:authenticated", {
  error: "is system:authenticated, whose members are everybody: nobody would be held up; name a smaller group",
});

const exempt = map({
  users: names(subjectName("user"), "users").describe("Names of users"),
  groups: names(narrowGroup, "groups").describe("Names of groups, e.g. system:serviceaccounts:cert-manager"),
})
  .prefault({})
  .describe("Who is never held up, besides the control plane: operators that must go on reconciling");

export const mutationGuard = map({
  approvedMutationList: mutations("LeaderRX"),
  impairedMutationList: mutations("Impaired"),
  exempt,
})
  .transform((value): MutationGuardConfig => value)
  .describe("Policies that hold up changes through the API while the site is not whole");
