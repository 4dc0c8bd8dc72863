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

type Credential = Pick<EtcdClusterConfig<unknown>, "caCertificate" | "clientCertificate">;

/**
 * What is wrong with what a client shows to servers.
 * @param clientKey PEM; undefined if it is not at hand
 * @param nowMs since 1970
 */
export function checkClientCredential(
  { caCertificate, clientCertificate }: Credential,
  clientKey: string | undefined,
  nowMs: number,
): Problem[] {
  const [own, ...chain] = readCertificates(clientCertificate);
  if (own === undefined) return [];
  const authorities = readCertificates(caCertificate);
  const of = (key: keyof EtcdClusterConfig, message: string): Problem => ({ path: [key], message });
  const problems: Problem[] = [];
  if (clientKey !== undefined && !own.checkPrivateKey(createPrivateKey(clientKey)))
    problems.push(of("clientKey", "is not the key of clientCertificate; give the two that were made together"));
  if (own.ca)
    problems.push(of("clientCertificate", `begins with ${nameOf(own)}, an authority; begin with the client's own`));
  const { keyUsage: usages } = own;
  if (usages !== undefined && !usages.includes(clientAuth) && !usages.includes(anyUsage))
    problems.push(
      of("clientCertificate", `is of ${nameOf(own)} and not meant for clients (TLS Web Client Authentication)`),
    );
  const broken = [own, ...chain].findIndex((certificate, at) => {
    const next = chain[at];
    return next !== undefined && !isIssuedBy(certificate, next);
  });
  if (broken >= 0)
    problems.push(
      of(
        "clientCertificate",
        `its certificate ${broken + 1} was issued by ${nameOf({ subject: [own, ...chain][broken]?.issuer ?? "" })}, which is not the one after it; put each before its issuer's`,
      ),
    );
  const last = chain.at(-1) ?? own;
  const anchored = authorities.some((authority) => authority.raw.equals(last.raw) || isIssuedBy(last, authority));
  if (broken < 0 && !anchored)
    problems.push(
      of(
        "clientCertificate",
        `was issued by ${nameOf({ subject: last.issuer })}, which is not in caCertificate; give the certificate for this cluster or, if its servers know their clients by another authority than their own, add that one to caCertificate`,
      ),
    );
  for (const [key, certificates] of [
    ["clientCertificate", [own, ...chain]],
    ["caCertificate", authorities],
  ] as const) {
    const ended = certificates.find(({ validTo }) => Date.parse(validTo) <= nowMs);
    if (ended !== undefined) problems.push(of(key, `${nameOf(ended)} ended at ${ended.validTo}; give one in force`));
  }
  return problems;
}

/** When the first of these certificates ends, in ms since 1970. */
export function endOf(pem: string): number {
  return Math.min(...readCertificates(pem).map(({ validTo }) => Date.parse(validTo)));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

/** A subject on one line. */
function nameOf({ subject }: { readonly subject: string }): string {
  return subject.replaceAll("\n", ", ");
}
