import { createPrivateKey, X509Certificate } from "node:crypto";
import {
  type Check,
  commonName,
  dnsNames,
  type Failure,
  failures,
  ipAddresses,
  usages,
  wholeNumber,
} from "./problems.ts";
import { same, type Validity, validity } from "./validity.ts";
import { isUnknown, type Properties } from "./values.ts";
import { fingerprint, type Issued, issueLeaf, type LeafSubject } from "./x509.ts";

/** The inputs as they go over the wire. */
interface CertificateInputs extends LeafSubject {
  readonly authorityCertificatePem: string;
  readonly authorityPrivateKeyPem: string;
  readonly validityDays: number;
  readonly renewBeforeDays: number;
  readonly rotation: number;
}

export type CertificateWanted = CertificateInputs & Validity;

export interface CertificateOutputs extends Issued {
  readonly fingerprint: string;
}

/** A change of these is a new key and certificate. */
const identity = [
  "authorityCertificatePem",
  "commonName",
  "organization",
  "dnsNames",
  "ipAddresses",
  "usages",
  "validityDays",
  "rotation",
];

function check(olds: Properties, news: Properties, now: Date): { inputs: Properties; failures: Failure[] } {
  const problems = failures(news, {
    authorityCertificatePem,
    authorityPrivateKeyPem,
    commonName: commonName(),
    dnsNames,
    ipAddresses,
    usages,
    validityDays: wholeNumber(1),
    renewBeforeDays: wholeNumber(0),
    rotation: wholeNumber(0),
    ...(news.organization === undefined ? {} : { organization: commonName() }),
  });
  if (problems.length) return { inputs: news, failures: problems };
  const window = validity(olds, news, identity, now);
  return { inputs: { ...news, ...window }, failures: contradictions(news, window) };
}

async function create(wanted: CertificateWanted): Promise<CertificateOutputs> {
  const issued = await issueLeaf(wanted, wanted, {
    certificatePem: wanted.authorityCertificatePem,
    privateKeyPem: wanted.authorityPrivateKeyPem,
  });
  return { ...issued, fingerprint: fingerprint(issued.certificatePem) };
}

/** @returns undefined if the certificate stays as it is */
async function update(wanted: CertificateWanted, state: CertificateWanted): Promise<CertificateOutputs | undefined> {
  const stays = same({ ...state }, { ...wanted }, [...identity, "notBefore", "notAfter"]);
  return stays ? undefined : create(wanted);
}

/** What is wrong with inputs of which each by itself is right. */
function contradictions(news: Properties, { notAfter }: Validity): Failure[] {
  const found: Failure[] = [];
  const { usages, dnsNames, ipAddresses, validityDays, renewBeforeDays, authorityCertificatePem } = news;
  const names = [dnsNames, ipAddresses] as string[][];
  if ((usages as string[]).includes("server") && names.every((list) => !isUnknown(list) && list.length === 0))
    found.push({
      property: "dnsNames",
      reason: "dnsNames and ipAddresses are empty; a server's certificate needs a name or address that clients ask for",
    });
  if (Number(renewBeforeDays) >= Number(validityDays))
    found.push({
      property: "renewBeforeDays",
      reason: `renewBeforeDays is ${renewBeforeDays}; it must be less than validityDays, ${validityDays}`,
    });
  if (isUnknown(authorityCertificatePem)) return found;
  const authorityEnd = new X509Certificate(String(authorityCertificatePem)).validToDate;
  if (authorityEnd < new Date(notAfter))
    found.push({
      property: "validityDays",
      reason:
        `validityDays is ${validityDays}, to ${notAfter}; the authority ends before that, on ${authorityEnd.toISOString()}: ` +
        "take fewer days, or rotate the authority",
    });
  return found;
}

const authorityCertificatePem: Check = (value) => {
  try {
    if (new X509Certificate(String(value)).ca) return undefined;
    return "is no authority's certificate; give the certificatePem of an Authority";
  } catch {
    return "is no PEM certificate; give the certificatePem of an Authority";
  }
};

const authorityPrivateKeyPem: Check = (value) => {
  try {
    createPrivateKey(String(value));
    return undefined;
  } catch {
    return "is no PEM private key; give the privateKeyPem of an Authority";
  }
};

export const certificateType = {
  inputs: [...identity, "authorityPrivateKeyPem", "renewBeforeDays", "notBefore", "notAfter"],
  outputs: ["certificatePem", "privateKeyPem", "fingerprint"] satisfies (keyof CertificateOutputs)[],
  secretOutputs: ["privateKeyPem"] satisfies (keyof CertificateOutputs)[],
  // Whatever changes, the resource and those that depend on it stay.
  replaceOn: [],
  check,
  create,
  update,
};
