import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import type { UpstreamConfig } from "../../components/config/kubernetes-config.ts";
import type { SiteConfig } from "../../components/config/schema.ts";
import type { WitnessedSite } from "../../components/config/site-config.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { type Recording, recordRegistrations } from "./recorder.ts";

let recording: Recording;
let site: Site;

beforeAll(async () => {
  recording = await recordRegistrations(["certificatePem", "privateKeyPem", "trustPem", "base64", "stdout"]);
  const example = readSite("example-upstream") as WitnessedSite;
  const kubernetes = { ...(example.kubernetes as UpstreamConfig), outOfServiceTaint: true };
  const config = { ...example, kubernetes };
  const secrets = { ssh: { ...config.ssh, privateKey: pulumi.secret("of a test") } };
  site = new Site(config.name, { ...config, ...secrets } satisfies SiteConfig);
  await recording.settled();
});

describe("the control plane of a site", () => {
  it("comes after a protected datastore, and node one's after node two's", () => {
    expect(recording.isAfter("upstream-n2", "protected-n1")).toBe(true);
    expect(recording.isAfter("upstream-n1", "upstream-n2")).toBe(true);
    expect(recording.isAfter("upstream-n2", "upstream-secrets-n2")).toBe(true);
    expect(recording.isAfter("upstream-secrets-n1", "upstream-n2")).toBe(true);
  });

  it("has its address last, when both nodes answer", () => {
    for (const node of ["n1", "n2"]) expect(recording.isAfter(`keepalived-${node}`, "upstream-n1")).toBe(true);
  });

  it("runs pods only when the address answers, on node two first", () => {
    for (const node of ["n1", "n2"]) expect(recording.isAfter("kubelet-secrets-n2", `keepalived-${node}`)).toBe(true);
    expect(recording.isAfter("kubelet-n2", "kubelet-secrets-n2")).toBe(true);
    expect(recording.isAfter("kubelet-secrets-n1", "kubelet-n2")).toBe(true);
  });

  it("gives the agent a certificate of its own, and its rights by the node's own hand, where lost nodes are to be marked", () => {
    for (const node of ["n1", "n2"]) {
      const secrets = JSON.stringify(recording.command(`kubelet-secrets-${node}`).inputs.stdin);
      expect(secrets).toContain(`example-upstream-${node}-api-agent privateKeyPem`);
      const { files, prove } = JSON.parse(recording.command(`kubelet-${node}`).inputs.stdin as string);
      const rights = "/etc/tandem/kubernetes/agent-rights.yaml";
      expect(files[rights].content).toContain("resourceNames:\n      - n1\n      - n2\n");
      expect(prove.at(-1).command.join(" ")).toMatch(new RegExp(`auth reconcile .*--filename=${rights}$`));
      const agent = JSON.parse(recording.command(`agent-${node}`).inputs.stdin as string);
      expect(JSON.parse(agent.files["/etc/tandem/settings.json"].content).kubernetes).toEqual({
        port: 6443,
        ca: "/etc/tandem/pki/kubernetes/ca.crt",
        certificate: "/etc/tandem/pki/kubernetes/agent.crt",
        key: "/etc/tandem/pki/kubernetes/agent.key",
        impersonate: null,
      });
    }
  });

  it("sends keys as secrets only, the one for what lies in etcd among them", async () => {
    const { inputs, secrets } = recording.command("upstream-secrets-n1");
    expect(secrets).toEqual(["connection", "stdin"]);
    expect(JSON.stringify(inputs.stdin)).toContain("example-upstream-kubernetes-encryption base64");
    const open = recording.commands.filter((command) => !command.secrets.includes("stdin"));
    for (const { name, inputs } of open)
      expect(JSON.stringify(inputs.stdin), name).not.toMatch(/ (privateKeyPem|base64)/);
  });

  it("gives its operator a kubeconfig for the address, as a secret", async () => {
    const { kubeconfig } = site;
    if (kubeconfig === undefined) throw new Error("the site has no kubeconfig");
    expect(await pulumi.isSecret(kubeconfig)).toBe(true);
    const text = await new Promise((resolve) => kubeconfig.apply(resolve));
    expect(text).toContain("server: https://10.77.1.10:6443\n");
  });

  it("writes its secrets again when both nodes have another key, with a key of an operator that stays secret", () => {
    const { inputs, secrets } = recording.command("rewrite-secrets-n1");
    for (const earlier of ["upstream-n1", "upstream-n2"])
      expect(recording.isAfter("rewrite-secrets-n1", earlier)).toBe(true);
    expect(secrets).toEqual(["connection", "stdin"]);
    expect(JSON.stringify(inputs.stdin)).toMatch(/encryptedWith\\": \\"site\\"/);
  });

  it("signs nothing on its nodes: no authority's key is on any", () => {
    const authorities = recording.registered.filter(({ type }) => type === "tandem:pki:Authority");
    expect(authorities.map(({ name }) => name.replace("example-upstream-", "")).sort()).toEqual([
      "etcd-ca",
      "front-proxy-ca",
      "kubernetes-ca",
      "service-accounts",
      "site-ca",
    ]);
    const sent = recording.commands.map(({ inputs }) => JSON.stringify(inputs.stdin)).join();
    expect(sent).not.toMatch(/-ca privateKeyPem/);
    expect(sent).toContain("example-upstream-service-accounts privateKeyPem");
  });
});
