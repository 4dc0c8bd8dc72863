import { X509Certificate } from "node:crypto";
import { beforeEach, expect, test } from "vitest";
import { handshake } from "./handshake.ts";
import { ProviderRun, type Resource, secretOutputs, text } from "./provider-run.ts";

const args = { commonName: "store-0042 etcd CA", validityDays: 3650, renewBeforeDays: 400, rotation: 0 };

let run: ProviderRun;
let certificates: ProviderRun;

beforeEach(() => {
  run = new ProviderRun("Authority");
  certificates = new ProviderRun("Certificate");
});

/** What a node with this generation of the authority shows and trusts. */
async function party(authority: Resource) {
  const leaf = await certificates.create({
    authorityCertificatePem: text(authority, "certificatePem"),
    authorityPrivateKeyPem: text(authority, "privateKeyPem"),
    commonName: "n1",
    dnsNames: ["localhost"],
    ipAddresses: [],
    usages: ["server", "client"],
    validityDays: 365,
    renewBeforeDays: 30,
    rotation: 0,
  });
  return {
    certificatePem: text(leaf, "certificatePem"),
    privateKeyPem: text(leaf, "privateKeyPem"),
    trustPem: text(authority, "trustPem"),
  };
}

test("it is a self-signed authority on P-256, in force since yesterday", async () => {
  const certificate = new X509Certificate(text(await run.create(args), "certificatePem"));
  expect(certificate.ca).toBe(true);
  expect(certificate.subject).toMatch(/^CN=store-0042 etcd CA [0-9a-f]{8}$/);
  expect(certificate.verify(certificate.publicKey)).toBe(true);
  expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  expect(certificate.validFromDate).toEqual(new Date("2029-12-31T12:00:00Z"));
  expect(certificate.validToDate).toEqual(new Date("2039-12-30T12:00:00Z"));
});

test("its outputs say what it is, and its keys are secrets", async () => {
  const authority = await run.create(args);
  expect(secretOutputs(authority)).toEqual(["privateKeyPem", "successorPrivateKeyPem"]);
  expect(text(authority, "privateKeyPem")).toMatch(/^-----BEGIN PRIVATE KEY-----\n/);
  expect(text(authority, "fingerprint")).toBe(new X509Certificate(text(authority, "certificatePem")).fingerprint256);
  expect(authority.state.notAfter).toBe("2039-12-30T12:00:00Z");
});

test("it stays as it is until less than renewBeforeDays are left", async () => {
  const authority = await run.create(args);
  run.passDays(3249);
  expect(await run.preview(authority, args)).toBe("same");
  run.passDays(2);
  expect(await run.preview(authority, args)).toEqual(["notBefore", "notAfter"]);
});

test("a new rotation or validity changes it, a new name makes another, a new renewal time keeps its key", async () => {
  const authority = await run.create(args);
  expect(await run.preview(authority, { ...args, rotation: 1 })).toContain("rotation");
  expect(await run.preview(authority, { ...args, validityDays: 5000 })).toContain("validityDays");
  expect(await run.preview(authority, { ...args, commonName: "store-0043 etcd CA" })).toBe("replace");
  const later = { ...args, renewBeforeDays: 500 };
  expect(await run.preview(authority, later)).toEqual(["renewBeforeDays"]);
  const updated = await run.update(authority, later);
  expect(updated.state).toEqual({ ...authority.state, renewBeforeDays: 500 });
});

test("before, during and after a rotation the nodes trust each other, whichever of them has it already", async () => {
  run.now = certificates.now = new Date();
  const before = await run.create(args);
  const after = await run.update(before, { ...args, rotation: 1 });
  expect(after.id).toBe(before.id);
  const [old, renewed] = [await party(before), await party(after)];
  expect(await handshake(renewed, old, "localhost")).toBe("ok");
  expect(await handshake(old, renewed, "localhost")).toBe("ok");
  expect(await handshake(renewed, renewed, "localhost")).toBe("ok");
});

test("after two rotations the first generation is no longer trusted", async () => {
  run.now = certificates.now = new Date();
  const first = await run.create(args);
  const second = await run.update(first, { ...args, rotation: 1 });
  const third = await run.update(second, { ...args, rotation: 2 });
  expect(await handshake(await party(third), await party(first), "localhost")).toBe(
    "client: self-signed certificate in certificate chain",
  );
  expect(await handshake(await party(third), await party(second), "localhost")).toBe("ok");
});

test("a successor that waited until the authority's end is still valid for those who know its first certificate", async () => {
  const first = await run.create(args);
  run.passDays(3300);
  const second = await run.update(first, args);
  const [, successor] = text(first, "trustPem").split(/(?<=-----END CERTIFICATE-----\n)/);
  const known = new X509Certificate(String(successor));
  const now = new X509Certificate(text(second, "certificatePem"));
  expect(known.subject).toBe(now.subject);
  expect(known.publicKey.equals(now.publicKey)).toBe(true);
  expect(known.validToDate.getTime() - run.now.getTime()).toBeGreaterThan(3650 * 86_400_000);
  expect(text(second, "trustPem")).toContain(text(first, "certificatePem"));
});

test("bad inputs are all named at once, with what is allowed", async () => {
  expect(await run.problems({ commonName: "", validityDays: 0, renewBeforeDays: 1.5, rotation: "x" })).toEqual([
    'commonName is ""; it must have 1 to 55 characters',
    "validityDays is 0; it must be a whole number, at least 1",
    "renewBeforeDays is 1.5; it must be a whole number, at least 0",
    'rotation is "x"; it must be a whole number, at least 0',
  ]);
  expect(await run.problems({ ...args, renewBeforeDays: 3650 })).toEqual([
    "renewBeforeDays is 3650; it must be less than validityDays, 3650",
  ]);
});
