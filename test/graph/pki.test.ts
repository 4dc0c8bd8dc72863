import * as pulumi from "@pulumi/pulumi";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { SitePki, type SitePkiArgs } from "../../components/pki/site-pki.ts";

interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: { readonly [name: string]: unknown };
}

let registered: Registered[];

beforeAll(() => {
  pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      registered.push({ type, name, inputs });
      const made = Object.fromEntries(
        ["certificatePem", "privateKeyPem", "trustPem"].map((output) => [output, `${name} ${output}`]),
      );
      return { id: `${name}-id`, state: { ...inputs, ...made } };
    },
    call: () => ({}),
  });
});

beforeEach(() => {
  registered = [];
});

const nodes: SitePkiArgs["nodes"] = [
  { name: "n1", frontend: "10.77.1.11", backend: "10.77.2.11" },
  { name: "n2", frontend: "10.77.1.12", backend: "10.77.2.12" },
];
const managed: SitePkiArgs["witness"] = {
  kind: "managed",
  host: "10.77.1.20",
  url: "https://10.77.1.20:8443",
  hostKey: "ssh-ed25519 AAAA",
  port: 8443,
  waitOffsetMs: 500,
  storage: { kind: "tmpfs" },
};
const pki = { certificateValidityDays: 365, renewBeforeDays: 30, rotation: 3 };

async function site(changes: Partial<SitePkiArgs> = {}): Promise<SitePki> {
  const component = new SitePki("store-0042", { siteName: "store-0042", nodes, witness: managed, pki, ...changes });
  await value(component.admin.certificatePem);
  // The last registrations are made in later turns.
  await new Promise((resolve) => setTimeout(resolve, 50));
  return component;
}

function value<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

const ofType = (type: string) => registered.filter((resource) => resource.type === type);
const inputs = (name: string) => registered.find((resource) => resource.name === name)?.inputs;

describe("a site's certificates", () => {
  test("are one authority for etcd, one for the site, and one certificate per purpose", async () => {
    await site();
    expect(ofType("tandem:pki:SitePki").map(({ name }) => name)).toEqual(["store-0042"]);
    expect(ofType("tandem:pki:Authority").map(({ name }) => name)).toEqual([
      "store-0042-etcd-ca",
      "store-0042-site-ca",
    ]);
    expect(
      ofType("tandem:pki:Certificate")
        .map(({ name }) => name)
        .sort(),
    ).toEqual([
      "store-0042-etcd-admin",
      "store-0042-n1-agent",
      "store-0042-n1-etcd-client",
      "store-0042-n1-etcd-peer",
      "store-0042-n1-etcd-server",
      "store-0042-n1-witness-client",
      "store-0042-n2-agent",
      "store-0042-n2-etcd-client",
      "store-0042-n2-etcd-peer",
      "store-0042-n2-etcd-server",
      "store-0042-n2-witness-client",
      "store-0042-witness-server",
    ]);
    expect(registered).toHaveLength(15);
  });

  test("are children of their component", async () => {
    const component = await site();
    const urn = await value(component.urn);
    expect(urn).toContain("::tandem:pki:SitePki::store-0042");
    const parts = Object.values(component.files("n1"));
    const resources = new Set((await Promise.all(parts.map(({ content }) => dependencies(content)))).flat());
    for (const resource of resources) {
      const type = (await value(resource.urn)).split("::")[2];
      expect(["tandem:pki:SitePki$tandem:pki:Authority", "tandem:pki:SitePki$tandem:pki:Certificate"]).toContain(type);
    }
    expect(resources.size).toBe(7);
  });

  test("carry the names, addresses, usages and authority of their purpose", async () => {
    await site();
    expect(inputs("store-0042-n1-etcd-server")).toMatchObject({
      authorityCertificatePem: "store-0042-etcd-ca certificatePem",
      commonName: "n1",
      dnsNames: ["n1", "localhost"],
      ipAddresses: ["127.0.0.1", "10.77.1.11", "10.77.2.11"],
      usages: ["server", "client"],
      validityDays: 365,
      renewBeforeDays: 30,
      rotation: 3,
    });
    expect(inputs("store-0042-n2-etcd-peer")).toMatchObject({
      authorityCertificatePem: "store-0042-etcd-ca certificatePem",
      commonName: "n2",
      dnsNames: ["n1", "n2"],
      ipAddresses: ["10.77.2.11", "10.77.2.12"],
      usages: ["server", "client"],
    });
    expect(inputs("store-0042-n2-etcd-client")).toMatchObject({
      authorityCertificatePem: "store-0042-etcd-ca certificatePem",
      commonName: "tandem-agent",
      usages: ["client"],
    });
    expect(inputs("store-0042-n2-agent")).toMatchObject({
      authorityCertificatePem: "store-0042-site-ca certificatePem",
      commonName: "n2",
      dnsNames: ["n2"],
      ipAddresses: ["10.77.1.12", "10.77.2.12"],
      usages: ["server", "client"],
    });
    expect(inputs("store-0042-n2-witness-client")).toMatchObject({
      authorityCertificatePem: "store-0042-site-ca certificatePem",
      commonName: "n2",
      usages: ["client"],
    });
    expect(inputs("store-0042-witness-server")).toMatchObject({
      authorityCertificatePem: "store-0042-site-ca certificatePem",
      dnsNames: ["store-0042.tandem-witness"],
      ipAddresses: ["10.77.1.20"],
      usages: ["server"],
    });
    expect(inputs("store-0042-etcd-admin")).toMatchObject({ commonName: "tandem-admin", usages: ["client"] });
  });

  test("name a witness that is given by host name", async () => {
    await site({ witness: { ...managed, host: "witness.example" } });
    expect(inputs("store-0042-witness-server")).toMatchObject({
      dnsNames: ["store-0042.tandem-witness", "witness.example"],
      ipAddresses: [],
    });
  });

  test("have authorities that outlive whatever they sign, and rotate with the site's number", async () => {
    await site();
    expect(inputs("store-0042-etcd-ca")).toMatchObject({ validityDays: 3650, renewBeforeDays: 395, rotation: 3 });
    registered = [];
    await site({ pki: { ...pki, certificateValidityDays: 1000 } });
    expect(inputs("store-0042-site-ca")).toMatchObject({ validityDays: 4000, renewBeforeDays: 1030 });
  });
});

describe("a node's files", () => {
  test("are its own certificates, with keys only their reader can read", async () => {
    const files = (await site()).files("n2");
    const etcd = "tandem-etcd:tandem-etcd";
    const list = Object.entries(files).map(([path, { mode, owner }]) => [
      path.replace("/etc/tandem/pki/", ""),
      mode,
      owner,
    ]);
    expect(list).toEqual([
      ["etcd-ca.crt", "0644", undefined],
      ["site-ca.crt", "0644", undefined],
      ["witness-ca.crt", "0644", undefined],
      ["etcd-server.crt", "0644", undefined],
      ["etcd-server.key", "0600", etcd],
      ["etcd-peer.crt", "0644", undefined],
      ["etcd-peer.key", "0600", etcd],
      ["etcd-client.crt", "0644", undefined],
      ["etcd-client.key", "0600", undefined],
      ["agent.crt", "0644", undefined],
      ["agent.key", "0600", undefined],
      ["witness-client.crt", "0644", undefined],
      ["witness-client.key", "0600", undefined],
    ]);
    const content = async (name: string) =>
      value((files[`/etc/tandem/pki/${name}`] as { content: pulumi.Output<string> }).content);
    expect(await content("etcd-ca.crt")).toBe("store-0042-etcd-ca trustPem");
    expect(await content("witness-ca.crt")).toBe("store-0042-site-ca trustPem");
    expect(await content("etcd-peer.key")).toBe("store-0042-n2-etcd-peer privateKeyPem");
    expect(await content("agent.crt")).toBe("store-0042-n2-agent certificatePem");
  });

  test("hold every key as a secret, and nothing else as one", async () => {
    const component = await site();
    for (const files of [component.files("n1"), component.witnessFiles ?? {}])
      for (const [path, { content }] of Object.entries(files))
        expect([path, await pulumi.isSecret(content)]).toEqual([path, path.endsWith(".key")]);
    expect(await pulumi.isSecret(component.admin.privateKeyPem)).toBe(true);
  });

  test("are refused for a node that the site has not", async () => {
    const component = await site();
    expect(() => component.files("n3")).toThrow('no node is named "n3"; the nodes are n1, n2');
  });
});

describe("a witness", () => {
  test("of the stack's own gets a server certificate and trusts the site's authority", async () => {
    const files = (await site()).witnessFiles ?? {};
    const list = await Promise.all(
      Object.entries(files).map(async ([path, { content, mode }]) => [path, mode, await value(content)]),
    );
    expect(list).toEqual([
      ["/etc/tandem-witness/store-0042/ca.crt", "0644", "store-0042-site-ca trustPem"],
      ["/etc/tandem-witness/store-0042/server.crt", "0644", "store-0042-witness-server certificatePem"],
      ["/etc/tandem-witness/store-0042/server.key", "0600", "store-0042-witness-server privateKeyPem"],
    ]);
  });

  test("of another gets nothing, and the nodes show it the credentials of the configuration", async () => {
    const credential = (node: string) => ({
      clientCertificate: `${node} certificate`,
      clientKey: pulumi.secret(`${node} key`),
    });
    const component = await site({
      witness: {
        kind: "existing",
        url: "https://witness.example",
        waitOffsetMs: 500,
        caCertificate: "another CA",
        credentials: { nodeOne: credential("one"), nodeTwo: credential("two") },
      },
    });
    expect(component.witnessFiles).toBeUndefined();
    expect(registered.filter(({ name }) => name.includes("witness"))).toEqual([]);
    const files = component.files("n2");
    const texts = ["witness-ca.crt", "witness-client.crt", "witness-client.key"].map((name) =>
      value((files[`/etc/tandem/pki/${name}`] as { content: pulumi.Output<string> }).content),
    );
    expect(await Promise.all(texts)).toEqual(["another CA", "two certificate", "two key"]);
  });
});

async function dependencies(output: pulumi.Output<unknown>): Promise<pulumi.Resource[]> {
  return [...(await (output as unknown as { allResources: () => Promise<Set<pulumi.Resource>> }).allResources())];
}
