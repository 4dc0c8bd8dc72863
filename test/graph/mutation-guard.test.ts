import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import type { MutationGuardConfig, UpstreamConfig } from "../../components/config/kubernetes-config.ts";
import type { SiteConfig } from "../../components/config/site-config.ts";
import { guardPolicies } from "../../components/kubernetes/mutation-policies.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { Recording, type Registered, recordRegistrations } from "./recorder.ts";

const guard: MutationGuardConfig = {
  approvedMutationList: [
    {
      who: { users: ["o'brien"], groups: [] },
      operations: undefined,
      apiGroups: [""],
      resources: ["configmaps"],
      namespaces: ["shop"],
      names: undefined,
    },
  ],
  impairedMutationList: [],
  exempt: { users: [], groups: ["system:serviceaccounts:cert-manager"] },
};

let everything: Recording;
/** With a guard, with a guard and another address, and without a guard. */
let site: Recording;
let moved: Recording;
let bare: Recording;

beforeAll(async () => {
  everything = await recordRegistrations(["certificatePem", "privateKeyPem", "trustPem", "stdout", "base64"]);
  site = await register({ mutationGuard: guard });
  moved = await register({
    mutationGuard: guard,
    endpoint: { kind: "vip", address: "10.77.1.9", prefixLength: 24, interface: "eth0" },
  });
  bare = await register({});
}, 60_000);

/** What a site with Kubernetes registers, changed like this. */
async function register(change: Partial<UpstreamConfig>): Promise<Recording> {
  const config = readSite("example-upstream");
  const kubernetes = { ...(config.kubernetes as UpstreamConfig), ...change };
  const ssh = { ...config.ssh, privateKey: pulumi.secret("key") };
  const before = everything.registered.length;
  new Site(config.name, { ...config, ssh, kubernetes } satisfies SiteConfig);
  await everything.settled();
  return new Recording(everything.registered.slice(before));
}

const ofKubernetes = ({ type }: Registered) =>
  /kubernetes:|providers:kubernetes/.test(type) && !type.startsWith("tandem:");

describe("a site with a mutation guard", () => {
  const policies = () => site.registered.filter(({ type }) => type.endsWith(":ValidatingAdmissionPolicy"));

  it("registers its policies as they are, and nothing that puts them into force", () => {
    const registrations = Object.fromEntries(policies().map(({ name, inputs }) => [name, inputs]));
    const wanted = guardPolicies({ site: "example-upstream", guard });
    expect(registrations).toEqual(Object.fromEntries(wanted.map((policy) => [policy.metadata.name, policy])));
    const others = site.registered.filter(ofKubernetes).filter((each) => !policies().includes(each));
    expect(others.map(({ name }) => name)).toEqual(["kubernetes-api"]);
  });

  it("reaches the API once both masters and its address are there, and not after the masters are gone", () => {
    for (const { name, provider, deletedWith } of policies()) {
      expect({ provider, deletedWith }).toEqual({ provider: "kubernetes-api", deletedWith: "kubernetes" });
      for (const earlier of ["upstream-n1", "upstream-n2", "keepalived-n1", "keepalived-n2"])
        expect(site.isAfter(name, earlier), `${name} after ${earlier}`).toBe(true);
    }
  });

  it("makes nothing in the cluster before the site's nodes have told that it is theirs", () => {
    for (const { name } of policies()) expect(site.isAfter(name, "cluster-identity-record")).toBe(true);
    for (const node of ["keepalived-n1", "keepalived-n2"]) expect(site.isAfter("cluster-identity-n1", node)).toBe(true);
    const { inputs, secrets } = site.command("cluster-identity-n1");
    expect(inputs.create).toMatch(/\/tandem cluster-identity$/);
    expect(secrets).toEqual(["connection", "stdin"]);
    expect(JSON.stringify(inputs.stdin)).toContain("10.77.1.10:6443");
  });

  it("asks the cluster again before what is made in it changes", () => {
    const [before, after] = [bare, site].map((each) =>
      JSON.stringify(each.command("cluster-identity-n1").inputs.stdin),
    );
    expect(before).not.toBe(after);
  });

  it("has a provider that knows the cluster by the site's name, and keeps its kubeconfig secret", () => {
    const [provider] = site.registered.filter(({ type }) => type === "pulumi:providers:kubernetes");
    expect(provider?.inputs).toMatchObject({ clusterIdentifier: "example-upstream", upsertExistingObjects: "true" });
    expect(provider?.secrets).toEqual(["kubeconfig"]);
  });

  it("keeps the cluster's identity when the API gets another address", () => {
    const providers = [site, moved].map((each) =>
      each.registered.find(({ type }) => type === "pulumi:providers:kubernetes"),
    );
    const [kubeconfigs, identities] = ["kubeconfig", "clusterIdentifier"].map((key) =>
      providers.map((provider) => JSON.stringify(provider?.inputs[key])),
    );
    expect(new Set(kubeconfigs).size).toBe(2);
    expect(new Set(identities).size).toBe(1);
  });
});

it("a site without one knows its cluster all the same", () => {
  const record = bare.registered.find(({ name }) => name === "cluster-identity-record");
  expect(record).toMatchObject({ type: "tandem:kubernetes:RecordedIdentity", secrets: [] });
  expect(record?.inputs).toEqual({ uid: "cluster-identity-n1 stdout" });
});

it("a site without one needs nothing of Kubernetes's provider", () => {
  expect(bare.registered.length).toBeGreaterThan(0);
  expect(bare.registered.filter(ofKubernetes)).toEqual([]);
});
