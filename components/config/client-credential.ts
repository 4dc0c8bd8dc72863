/** Whether a certificate, its key and the authorities around it fit together, before anything is tried with them. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Problem } from "./problems.ts";
import type { EtcdClusterConfig } from "./site-config.ts";

/** Object identifiers of extended key usages. */
const clientAuth = "1.3.6.1.5.5.7.3.2";
const anyUsage = "2.5.29.37.0";

/** The certificates of a PEM text, in its order. @throws if one of them cannot be read */
export function readCertificates(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** When the first of these certificates ends, in ms since 1970. */
export function endOf(pem: string): number {
  return Math.min(...readCertificates(pem).map(({ validTo }) => Date.parse(validTo)));
}

type Credential = Pick<EtcdClusterConfig<unknown>, "caCertificate" | "clientCertificate">;

/**
 * What is wrong with what a client shows to servers; paths are within their section.
 * @param clientKey PEM; undefined if it is not at hand
 * @param nowMs since 1970
 */
export function checkClientCredential(
  { caCertificate, clientCertificate }: Credential,
  clientKey: string | undefined,
  nowMs: number,
): Problem[] {
  const chain = readCertificates(clientCertificate);
  const authorities = readCertificates(caCertificate);
  const isOther = clientKey !== undefined && !chain[0]?.checkPrivateKey(createPrivateKey(clientKey));
  const of = (key: keyof EtcdClusterConfig, messages: readonly string[]) =>
    messages.map((message): Problem => ({ path: [key], message }));
  return [
    ...of("clientKey", isOther ? ["is not the key of clientCertificate; give the two that were made together"] : []),
    ...of("clientCertificate", [
      ...chain.slice(0, 1).flatMap(purposeOf),
      ...checkChain(chain, authorities),
      ...ended(chain, nowMs),
    ]),
    ...of("caCertificate", ended(authorities, nowMs)),
  ];
}

/** Why a certificate is not a client's. */
function purposeOf(own: X509Certificate): string[] {
  if (own.ca) return [`begins with that of ${oneLine(own.subject)}, an authority; begin with the client's own`];
  const { keyUsage: usages } = own;
  if (usages === undefined || usages.includes(clientAuth) || usages.includes(anyUsage)) return [];
  return [`is of ${oneLine(own.subject)} and not meant for clients (TLS Web Client Authentication)`];
}

/** Each certificate is followed by its issuer's, and the last one was issued by one of the authorities, or is one. */
function checkChain(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): string[] {
  for (const [at, certificate] of chain.entries()) {
    const next = chain[at + 1];
    const issuer = oneLine(certificate.issuer);
    if (next !== undefined && !isIssuedBy(certificate, next))
      return [
        `its certificate ${at + 1} was issued by ${issuer}, which is not the one after it; put each before its issuer's`,
      ];
    const isAnchored = authorities.some((one) => one.raw.equals(certificate.raw) || isIssuedBy(certificate, one));
    if (next === undefined && !isAnchored)
      return [
        `was issued by ${issuer}, which is not in caCertificate; give the certificate for this cluster or, if its servers know their clients by another authority than their own, add that one to caCertificate`,
      ];
  }
  return [];
}

function ended(certificates: readonly X509Certificate[], nowMs: number): string[] {
  return certificates
    .filter(({ validTo }) => Date.parse(validTo) <= nowMs)
    .map(({ subject, validTo }) => `that of ${oneLine(subject)} ended at ${validTo}; give one in force`);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function oneLine(name: string): string {
  return name.replaceAll("\n", ", ");
}
