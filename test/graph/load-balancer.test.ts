import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { SiteConfig } from "../../components/config/schema.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { type Recording, recordRegistrations } from "./recorder.ts";

const outputs = ["certificatePem", "privateKeyPem", "trustPem", "base64", "stdout"];

/** As k3s writes it, in JSON, which is YAML too. */
const nodeKubeconfig = JSON.stringify({
  clusters: [{ cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "Y2E=" } }],
  users: [{ user: { "client-certificate-data": "Y3J0", "client-key-data": "a2V5" } }],
});

/** What is registered for the example, changed. */
async function record(change: object = {}) {
  const recording = await recordRegistrations(outputs, { "kubeconfig-n1": nodeKubeconfig });
  const config = readSite("example-balancer");
  const kubernetes = { ...config.kubernetes, ...change } as SiteConfig["kubernetes"];
  const ssh = { ...config.ssh, privateKey: pulumi.secret("of a test") };
  const site = new Site(config.name, { ...config, ssh, kubernetes } satisfies SiteConfig);
  await recording.settled();
  return { recording, site };
}

// biome-ignore lint/suspicious/noExplicitAny: whatever a command is given
function stdinOf(recording: Recording, command: string): any {
  return JSON.parse(String(recording.command(command).inputs.stdin));
}

const elsewhere = {
  endpoint: { kind: "load-balancer", address: "balancer.example", hostKey: "ssh-ed25519 AAAA", port: 16443 },
} as const;

describe("a site behind a load balancer", () => {
  it("sets up the witness's machine once for both, and balances when both API servers answer", async () => {
    const { recording } = await record();
    const names = recording.commands.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith("keepalived"))).toEqual([]);
    const own = [
      "balancer-example-balancer",
      "balancer-example-balancer-secrets",
      "bootstrap",
      "preflight",
      "program",
      "sources",
    ];
    const witness = ["witness-example-balancer", "witness-example-balancer-secrets"];
    expect(names.filter((name) => name.endsWith("-witness")).sort()).toEqual(
      [...own, ...witness].map((name) => `${name}-witness`).sort(),
    );
    for (const before of ["upstream-n1", "upstream-n2", "balancer-example-balancer-secrets-witness"])
      expect(recording.isAfter("balancer-example-balancer-witness", before)).toBe(true);
    expect(stdinOf(recording, "preflight-witness")).toMatchObject({ machine: "the witness", ports: [8443, 6443] });
    expect(stdinOf(recording, "preflight-n1").node).not.toHaveProperty("apiAddress");
    expect(stdinOf(recording, "preflight-n1").ports).toContain(2385);
  });

  it("keeps the key of the probe a secret, and puts no authority's key there", async () => {
    const { recording } = await record();
    const { inputs, secrets } = recording.command("balancer-example-balancer-secrets-witness");
    expect(secrets).toEqual(["connection", "stdin"]);
    const sent = JSON.stringify(inputs.stdin);
    expect(sent).toContain("example-balancer-load-balancer-probe privateKeyPem");
    expect(sent).not.toMatch(/-ca privateKeyPem/);
    expect(recording.command("balancer-example-balancer-witness").secrets).toEqual(["connection"]);
  });

  it("may have it on a machine of its own, looked at with the others, and the API is known by its name", async () => {
    const { recording, site } = await record(elsewhere);
    expect(recording.isAfter("drbd-n1", "preflight-load-balancer")).toBe(true);
    expect(stdinOf(recording, "preflight-load-balancer")).toMatchObject({
      machine: "the load balancer",
      ports: [16443],
    });
    expect(recording.command("balancer-example-balancer-load-balancer")).toBeDefined();
    const text = await new Promise((resolve) => site.kubeconfig?.apply(resolve));
    expect(text).toContain("server: https://balancer.example:16443\n");
    const served = recording.registered.find(({ name }) => name === "example-balancer-n1-api-server");
    expect(served?.inputs.dnsNames).toContain("balancer.example");
  });

  it("knows k3s by the authority that k3s has made, and shows it no certificate", async () => {
    const k3s = {
      distribution: "k3s",
      version: "v1.34.4+k3s1",
      sha256: { k3s: "", images: "" },
      disable: [],
      interface: "eth0",
    };
    const { recording } = await record(k3s);
    const balancer = "balancer-example-balancer";
    expect(recording.isAfter(`${balancer}-secrets-witness`, "kubeconfig-n1")).toBe(true);
    const sent = JSON.stringify(recording.command(`${balancer}-secrets-witness`).inputs.stdin);
    expect(sent).toContain("api-ca.crt");
    expect(sent).not.toContain("probe");
    const { files } = stdinOf(recording, `${balancer}-witness`);
    const config = files["/etc/haproxy/tandem-example-balancer.cfg"].content;
    expect(config).toContain("expect status 200,401\n");
    expect(config).not.toContain("crt /etc/tandem-balancer/example-balancer/probe.crt");
    expect(recording.command(`${balancer}-witness`).secrets).toEqual(["connection"]);
  });
});
