import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { k3sTokenFingerprint } from "../../components/cli/preflight/k3s-token.ts";
import type { SiteConfig } from "../../components/config/schema.ts";
import { K3sPki } from "../../components/kubernetes/k3s-pki.ts";
import { k3sToken } from "../../components/kubernetes/k3s-token.ts";
import { contentsVersion } from "../../components/pki/file-set.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { type Recording, recordRegistrations } from "./recorder.ts";

/** As k3s writes it, in JSON, which is YAML too. */
const nodeKubeconfig = JSON.stringify({
  clusters: [{ cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "Y2E=" } }],
  users: [{ user: { "client-certificate-data": "Y3J0", "client-key-data": "a2V5" } }],
});

let recording: Recording;
let site: Site;

beforeAll(async () => {
  const outputs = ["certificatePem", "privateKeyPem", "trustPem", "base64", "stdout"];
  recording = await recordRegistrations(outputs, { "kubeconfig-n1": nodeKubeconfig });
  const config = readSite("example-k3s");
  const ssh = { ...config.ssh, privateKey: pulumi.secret("of a test") };
  site = new Site(config.name, { ...config, ssh } satisfies SiteConfig);
  await recording.settled();
});

async function secretText(output: pulumi.Output<string> | undefined): Promise<string> {
  if (output === undefined) throw new Error("the site does not hand it out");
  expect(await pulumi.isSecret(output)).toBe(true);
  return new Promise((resolve) => output.apply(resolve));
}

describe("a site with k3s", () => {
  it.each([
    ["comes after a protected datastore", "k3s-n2", ["protected-n1", "members-n1", "members-n2"]],
    ["is changed on node one when node two's API answers", "k3s-secrets-n1", ["k3s-n2"]],
    ["has its token and certificates before it starts", "k3s-n2", ["k3s-secrets-n2"]],
    ["has its address last", "keepalived-n1", ["k3s-n1", "k3s-n2"]],
    ["has its kubeconfig read when it runs, by a command of its own", "kubeconfig-n1", ["k3s-n1"]],
  ])("%s", (_rule, later, earlier) => {
    for (const name of earlier) expect(recording.isAfter(later, name), `${later} after ${name}`).toBe(true);
  });

  it("gives its operator a kubeconfig for the address, as a secret", async () => {
    expect(await secretText(site.kubeconfig)).toContain("server: https://10.77.1.10:6443\n");
  });

  it("keeps what the node prints of it secret as well", () => {
    const { inputs, secretOutputs } = recording.command("kubeconfig-n1");
    expect(secretOutputs).toContain("stdout");
    expect(inputs.create).toMatch(/\/tandem kubeconfig$/);
  });

  it("gives both nodes the token that it hands out, in nothing but secrets", async () => {
    const token = await secretText(site.k3sToken);
    expect(token).toMatch(/^[0-9a-f]{16,}$/);
    const holders = recording.commands.filter(({ inputs }) => JSON.stringify(inputs).includes(token));
    expect(holders.map(({ name }) => name).sort()).toEqual(["k3s-secrets-n1", "k3s-secrets-n2"]);
    for (const { secrets } of holders) expect(secrets).toEqual(["connection", "stdin"]);
  });

  it("keeps the token that an older stack has as the cluster's part", () => {
    const key = recording.registered.find(({ name }) => name === "example-k3s-k3s-token");
    const type = "tandem:site:Site$tandem:kubernetes:Cluster$tandem:kubernetes:K3sPki";
    expect(key?.formerParents).toEqual([expect.stringContaining(`::${type}::k3s-pki`)]);
  });

  it("has k3s started again when nothing but the token changes, by a word that tells nothing of it", async () => {
    const file = (content: string) => ({ content: pulumi.secret(content), mode: "0600" }) as const;
    const versionWith = (token: string, key = "a key") => {
      const datastore = { clientFiles: () => ({ "/client.key": file(key) }) };
      const args = { nodes: readSite("example-k3s").nodes, token: pulumi.secret(token), datastore };
      const [version] = new K3sPki(`${token}, ${key}`, args, { parent: site }).files.map(contentsVersion);
      return new Promise((resolve) => version?.apply(resolve));
    };
    expect(await versionWith("one")).not.toBe(await versionWith("two"));
    expect(await versionWith("one")).not.toBe(await versionWith("one", "another key"));
    for (const name of ["k3s-n1", "k3s-n2"]) {
      const { inputs, secrets } = recording.command(name);
      expect(inputs.stdin).toMatch(/"secrets":\s*"[0-9a-f]{16}"/);
      expect(secrets).not.toContain("stdin");
    }
  });

  it("has each node looked at for a cluster with another token, by nothing but the token's fingerprint", async () => {
    const fingerprint = k3sTokenFingerprint(await secretText(site.k3sToken));
    for (const name of ["preflight-n1", "preflight-n2"]) {
      const { inputs, secrets } = recording.command(name);
      expect(JSON.stringify(inputs.stdin)).toContain(fingerprint);
      expect(secrets).toContain("stdin");
    }
    expect(JSON.stringify(recording.command("preflight-witness").inputs)).not.toContain(fingerprint);
  });

  it("takes the token of a cluster that is there, and makes none", async () => {
    const seen = recording.registered.length;
    const token = pulumi.secret(`K10${"0".repeat(64)}::server:of-the-cluster\n`);
    const args = { siteName: "adopted", kubernetes: { token }, pki: readSite("example-k3s").pki };
    expect(await secretText(k3sToken(args, site))).toBe("of-the-cluster");
    await recording.settled();
    expect(recording.registered).toHaveLength(seen);
  });

  it("is given no authority: k3s makes its own", () => {
    const authorities = recording.registered.filter(({ type }) => type === "tandem:pki:Authority");
    expect(authorities.map(({ name }) => name).sort()).toEqual(["example-k3s-etcd-ca", "example-k3s-site-ca"]);
  });
});
