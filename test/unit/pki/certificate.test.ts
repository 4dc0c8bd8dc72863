import { createPrivateKey, X509Certificate } from "node:crypto";
import { runtime } from "@pulumi/pulumi";
import { beforeEach, describe, expect, test } from "vitest";
import { handshake } from "./handshake.ts";
import { ProviderRun, type Resource, secretOutputs, text } from "./provider-run.ts";

let run: ProviderRun;
let authority: Resource;
let args: { [name: string]: unknown };

beforeEach(async () => {
  run = new ProviderRun("Certificate");
  authority = await newAuthority(run.now);
  args = {
    ...authorityArgs(authority),
    commonName: "n1",
    dnsNames: ["n1", "localhost"],
    ipAddresses: ["127.0.0.1", "10.77.2.11", "fd00::1"],
    usages: ["server", "client"],
    validityDays: 365,
    renewBeforeDays: 30,
    rotation: 0,
  };
});

function newAuthority(now: Date): Promise<Resource> {
  const authorityRun = new ProviderRun("Authority");
  authorityRun.now = now;
  return authorityRun.create({
    commonName: "test CA",
    validityDays: 3650,
    renewBeforeDays: 400,
    rotation: 0,
  });
}

function authorityArgs(authority: Resource) {
  return {
    authorityCertificatePem: text(authority, "certificatePem"),
    authorityPrivateKeyPem: authority.state.privateKeyPem,
  };
}

describe("a new certificate", () => {
  test("is signed by its authority, for the names, addresses and usages asked for", async () => {
    const certificate = new X509Certificate(text(await run.create(args), "certificatePem"));
    const issuer = new X509Certificate(text(authority, "certificatePem"));
    expect(certificate.checkIssued(issuer)).toBe(true);
    expect(certificate.verify(issuer.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.subject).toBe("CN=n1");
    expect(certificate.subjectAltName).toBe(
      "DNS:n1, DNS:localhost, IP Address:127.0.0.1, IP Address:10.77.2.11, IP Address:FD00:0:0:0:0:0:0:1",
    );
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
    expect(certificate.validFromDate).toEqual(new Date("2029-12-31T12:00:00Z"));
    expect(certificate.validToDate).toEqual(new Date("2031-01-01T12:00:00Z"));
  });

  test("comes with its PKCS#8 key, which is the only new secret", async () => {
    const made = await run.create(args);
    expect(secretOutputs(made)).toEqual(["authorityPrivateKeyPem", "privateKeyPem"]);
    const key = createPrivateKey(text(made, "privateKeyPem"));
    expect(text(made, "privateKeyPem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
    expect(new X509Certificate(text(made, "certificatePem")).checkPrivateKey(key)).toBe(true);
  });

  test("for a client alone needs no names, and is refused as a server", async () => {
    run.now = new Date();
    authority = await newAuthority(run.now);
    args = { ...args, ...authorityArgs(authority) };
    const client = await run.create({ ...args, usages: ["client"], dnsNames: [], ipAddresses: [] });
    const certificate = new X509Certificate(text(client, "certificatePem"));
    expect(certificate.subjectAltName).toBeUndefined();
    expect(certificate.keyUsage).toEqual(["1.3.6.1.5.5.7.3.2"]);
    const party = (resource: Resource) => ({
      certificatePem: text(resource, "certificatePem"),
      privateKeyPem: text(resource, "privateKeyPem"),
      trustPem: text(authority, "certificatePem"),
    });
    const server = await run.create(args);
    expect(await handshake(party(server), party(client), "localhost")).toBe("ok");
    expect(await handshake(party(server), party(client), "n2")).toContain("Hostname/IP does not match");
    expect(await handshake(party(client), party(server), "localhost")).toContain("unsuitable certificate purpose");
  });

  test("takes names with special characters as they are", async () => {
    const made = await run.create({ ...args, commonName: "a, CN=b+c", organization: "x=y" });
    const { subject } = new X509Certificate(text(made, "certificatePem"));
    expect(subject).toBe("CN=a\\, CN=b\\+c\nO=x=y");
  });
});

describe("the next up", () => {
  test("changes nothing while there is time left", async () => {
    const made = await run.create(args);
    run.passDays(334);
    expect(await run.preview(made, args)).toBe("same");
  });

  test("renews it in time, and the preview shows the new dates", async () => {
    const made = await run.create(args);
    run.passDays(336);
    expect(await run.preview(made, args)).toEqual(["notBefore", "notAfter"]);
    const renewed = await run.update(made, args);
    expect(renewed.id).toBe(made.id);
    expect(renewed.state.notAfter).toBe("2031-12-03T12:00:00Z");
    expect(text(renewed, "privateKeyPem")).not.toBe(text(made, "privateKeyPem"));
    expect(new X509Certificate(text(renewed, "certificatePem")).validToDate).toEqual(new Date("2031-12-03T12:00:00Z"));
    expect(await run.preview(renewed, args)).toBe("same");
  });

  test.each([
    ["rotation", { rotation: 1 }],
    ["commonName", { commonName: "n9" }],
    ["organization", { organization: "system:masters" }],
    ["dnsNames", { dnsNames: ["n9"] }],
    ["ipAddresses", { ipAddresses: ["10.0.0.9"] }],
    ["usages", { usages: ["server"] }],
    ["validityDays", { validityDays: 100 }],
  ])("issues it anew for another %s, as the same resource", async (name, change) => {
    const made = await run.create(args);
    run.passDays(1);
    const changed = { ...args, ...change };
    expect(await run.preview(made, changed)).toEqual(expect.arrayContaining([name, "notBefore", "notAfter"]));
    const renewed = await run.update(made, changed);
    expect(renewed.id).toBe(made.id);
    expect(renewed.state.fingerprint).not.toBe(made.state.fingerprint);
    expect(await run.preview(renewed, changed)).toBe("same");
  });

  test("drops an organization that is no longer asked for", async () => {
    const made = await run.create({ ...args, organization: "o" });
    const renewed = await run.update(made, args);
    expect(new X509Certificate(text(renewed, "certificatePem")).subject).toBe("CN=n1");
    expect(await run.preview(renewed, args)).toBe("same");
  });

  test("follows its authority", async () => {
    const made = await run.create(args);
    const other = await newAuthority(run.now);
    const renewed = await run.update(made, { ...args, ...authorityArgs(other) });
    const certificate = new X509Certificate(text(renewed, "certificatePem"));
    expect(certificate.verify(new X509Certificate(text(other, "certificatePem")).publicKey)).toBe(true);
  });

  test("plans a new one while the authority's certificate is not known yet", async () => {
    const made = await run.create(args);
    run.passDays(1);
    const unknown = { [runtime.specialSigKey]: runtime.specialSecretSig, value: runtime.unknownValue };
    const news = {
      ...args,
      authorityCertificatePem: runtime.unknownValue,
      authorityPrivateKeyPem: unknown,
    };
    expect(await run.problems(news)).toEqual([]);
    expect(await run.preview(made, news)).toContain("notAfter");
  });

  test("keeps key and certificate when only the time of renewal changes", async () => {
    const made = await run.create(args);
    const later = { ...args, renewBeforeDays: 60 };
    expect(await run.preview(made, later)).toEqual(["renewBeforeDays"]);
    expect((await run.update(made, later)).state).toEqual({ ...made.state, renewBeforeDays: 60 });
  });
});

describe("bad inputs", () => {
  test("are all named at once, with what was given and what is allowed", async () => {
    const problems = await run.problems({
      ...args,
      commonName: "x".repeat(65),
      dnsNames: ["good.example", "bad_name", "*.example"],
      ipAddresses: ["10.0.0.256"],
      usages: ["serve"],
      validityDays: -1,
    });
    expect(problems).toEqual([
      `commonName is "${"x".repeat(65)}"; it must have 1 to 64 characters`,
      'dnsNames has "bad_name", "*.example"; allowed are DNS names of letters, digits and dashes in labels of at most 63 characters',
      'ipAddresses has "10.0.0.256"; allowed are IPv4 or IPv6 addresses',
      'usages has "serve"; allowed are server and client',
      "validityDays is -1; it must be a whole number, at least 1",
    ]);
    expect(await run.problems({ ...args, usages: [] })).toEqual(["usages is empty; name server, client or both"]);
    const { usages: _, ...without } = args;
    expect(await run.problems(without)).toEqual(["usages is missing; it must be a list of server and client"]);
  });

  test("that contradict each other are explained", async () => {
    expect(await run.problems({ ...args, dnsNames: [], ipAddresses: [] })).toEqual([
      "dnsNames and ipAddresses are empty; a server's certificate needs a name or address that clients ask for",
    ]);
    expect(await run.problems({ ...args, renewBeforeDays: 365 })).toEqual([
      "renewBeforeDays is 365; it must be less than validityDays, 365",
    ]);
    expect(await run.problems({ ...args, validityDays: 4000 })).toEqual([
      "validityDays is 4000, to 2040-12-14T12:00:00Z; the authority ends before that, on 2039-12-30T12:00:00.000Z: " +
        "take fewer days, or rotate the authority",
    ]);
  });

  test("never show a key", async () => {
    const leaf = await run.create(args);
    const problems = await run.problems({
      ...args,
      authorityCertificatePem: text(leaf, "certificatePem"),
      authorityPrivateKeyPem: "-----BEGIN PRIVATE KEY-----\nTOPSECRET",
    });
    expect(problems).toEqual([
      "authorityCertificatePem is no authority's certificate; give the certificatePem of an Authority",
      "authorityPrivateKeyPem is no PEM private key; give the privateKeyPem of an Authority",
    ]);
    expect(await run.problems({ ...args, authorityCertificatePem: "TOPSECRET" })).toEqual([
      "authorityCertificatePem is no PEM certificate; give the certificatePem of an Authority",
    ]);
  });
});
