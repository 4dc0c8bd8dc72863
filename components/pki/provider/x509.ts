/** Makes keys and certificates: ECDSA on P-256 with SHA-256, keys as PKCS#8. */
import "./reflect.ts";
import { createPrivateKey, KeyObject, randomBytes, webcrypto, X509Certificate } from "node:crypto";
import * as x509 from "@peculiar/x509";
import type { Validity } from "./validity.ts";

export interface Issued {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
}

export type Usage = "server" | "client";

export interface LeafSubject {
  readonly commonName: string;
  readonly organization?: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly usages: readonly Usage[];
}

const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256" };
const signingAlgorithm = { name: "ECDSA", hash: "SHA-256" };

const usageOids: { readonly [U in Usage]: string } = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
};

/** A self-signed authority under a new key; it signs leaf certificates only. */
export async function issueAuthority(commonName: string, window: Validity): Promise<Issued> {
  return selfSigned([{ CN: [commonName] }], await newKeys(), window);
}

/** The same authority, by name and key, with other dates: what it signs is verified with either certificate. */
export async function reissueAuthority(authority: Issued, window: Validity): Promise<Issued> {
  const { subjectName } = new x509.X509Certificate(authority.certificatePem);
  return selfSigned(subjectName, await keysOf(authority.privateKeyPem), window);
}

async function selfSigned(
  name: x509.Name | x509.JsonName,
  keys: webcrypto.CryptoKeyPair,
  window: Validity,
): Promise<Issued> {
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...dates(window),
    keys,
    signingAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return toPem(certificate, keys.privateKey);
}

/** A certificate under a new key, signed by `authority`. */
export async function issueLeaf(subject: LeafSubject, window: Validity, authority: Issued): Promise<Issued> {
  const keys = await newKeys();
  const signer = await keysOf(authority.privateKeyPem);
  const names: x509.JsonGeneralName[] = [
    ...subject.dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...subject.ipAddresses.map((value) => ({ type: "ip" as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [subject.commonName] }, ...(subject.organization ? [{ O: [subject.organization] }] : [])],
    issuer: new x509.X509Certificate(authority.certificatePem).subjectName,
    ...dates(window),
    publicKey: keys.publicKey,
    signingKey: signer.privateKey,
    signingAlgorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(subject.usages.map((usage) => usageOids[usage])),
      ...(names.length ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(signer.publicKey),
    ],
  });
  return toPem(certificate, keys.privateKey);
}

/** SHA-256 over the DER form, as colon-separated upper-case hexadecimal pairs: `openssl x509 -fingerprint -sha256`. */
export function fingerprint(certificatePem: string): string {
  return new X509Certificate(certificatePem).fingerprint256;
}

function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
}

async function keysOf(privateKeyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const key = createPrivateKey(privateKeyPem);
  const { d: _, ...publicJwk } = key.export({ format: "jwk" });
  const { subtle } = webcrypto;
  return {
    privateKey: await subtle.importKey("pkcs8", key.export({ type: "pkcs8", format: "der" }), keyAlgorithm, true, [
      "sign",
    ]),
    publicKey: await subtle.importKey("jwk", publicJwk, keyAlgorithm, true, ["verify"]),
  };
}

/** 127 random bits: a positive number of the same length always. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

function dates(window: Validity) {
  return { notBefore: new Date(window.notBefore), notAfter: new Date(window.notAfter) };
}

function toPem(certificate: x509.X509Certificate, privateKey: webcrypto.CryptoKey): Issued {
  return {
    certificatePem: `${certificate.toString("pem").trim()}\n`,
    privateKeyPem: KeyObject.from(privateKey).export({ type: "pkcs8", format: "pem" }).toString(),
  };
}
