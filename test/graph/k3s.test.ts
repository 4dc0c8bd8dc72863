import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import type { SiteConfig } from "../../components/config/schema.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { isAfter, type Registered, recordRegistrations, settled } from "./recorder.ts";

/** As k3s writes it, in JSON, which is YAML too. */
const nodeKubeconfig = JSON.stringify({
  clusters: [{ cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "Y2E=" } }],
  users: [{ user: { "client-certificate-data": "Y3J0", "client-key-data": "a2V5" } }],
});

const value = <T>(output: pulumi.Output<T> | undefined) =>
  new Promise<T | undefined>((resolve) => (output === undefined ? resolve(undefined) : output.apply(resolve)));

let registered: readonly Registered[];
let site: Site;

beforeAll(async () => {
  registered = await recordRegistrations(["certificatePem", "privateKeyPem", "trustPem", "stdout", "base64"], {
    "kubeconfig-n1": nodeKubeconfig,
  });
  const config = readSite("example-k3s");
  const ssh = { ...config.ssh, privateKey: pulumi.secret("a key") };
  site = new Site(config.name, { ...config, ssh } satisfies SiteConfig);
  await settled(registered);
});

describe("a site with k3s", () => {
  it.each([
    ["changes node two first, and node one once node two's API answers", "kubernetes-n1", ["kubernetes-n2"]],
    ["comes after the datastore is protected", "kubernetes-n2", ["protected-n1", "members-n1", "members-n2"]],
    ["has its token and certificates before it starts", "kubernetes-n2", ["kubernetes-secrets-n2"]],
    ["gets its address when both APIs answer", "keepalived-n1", ["kubernetes-n1", "kubernetes-n2"]],
    ["has its kubeconfig read after that, by a command of its own", "kubeconfig-n1", ["kubernetes-n1"]],
  ])("%s", (_rule, later, earlier) => {
    for (const name of earlier) expect(isAfter(registered, later, name), `${later} after ${name}`).toBe(true);
  });

  it("hands out a kubeconfig for the site's address, and the token, as secrets", async () => {
    expect(await value(site.kubeconfig)).toContain("server: https://10.77.1.10:6443");
    expect(await value(site.k3sToken)).toMatch(/^[0-9a-f]+$/);
    expect(await pulumi.isSecret(site.kubeconfig as pulumi.Output<string>)).toBe(true);
    expect(await pulumi.isSecret(site.k3sToken as pulumi.Output<string>)).toBe(true);
  });

  it("keeps what the node prints of it out of the open too", () => {
    const read = registered.find(({ name }) => name === "kubeconfig-n1");
    expect(read?.secretOutputs).toEqual(["stdout"]);
    expect(JSON.stringify(read?.inputs.create)).toMatch(/tandem kubeconfig"$/);
  });

  it("gives both nodes the same token, in what is marked as a secret", async () => {
    const token = (await value(site.k3sToken)) as string;
    const holders = registered.filter(({ inputs }) => JSON.stringify(inputs).includes(token));
    expect(holders.map(({ name }) => name).sort()).toEqual(["kubernetes-secrets-n1", "kubernetes-secrets-n2"]);
    for (const { secrets } of holders) expect(secrets).toContain("stdin");
  });
});
