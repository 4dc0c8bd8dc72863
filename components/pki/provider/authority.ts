import { randomBytes } from "node:crypto";
import type { AuthorityArgs } from "../authority.ts";
import { commonName, type Failure, failures, wholeNumber } from "./problems.ts";
import { extended, same, type Validity, validity } from "./validity.ts";
import type { Properties } from "./values.ts";
import { fingerprint, type Issued, issueAuthority, reissueAuthority } from "./x509.ts";

export type AuthorityWanted = AuthorityArgs & Validity;

export interface AuthorityOutputs extends Issued {
  readonly successorCertificatePem: string;
  readonly successorPrivateKeyPem: string;
  /** The authority before the last rotation; empty for a new one. */
  readonly predecessorCertificatePem: string;
  readonly trustPem: string;
  readonly fingerprint: string;
}

/** A change of these is a rotation. */
const identity = ["commonName", "validityDays", "rotation"];

function check(olds: Properties, news: Properties, now: Date): { inputs: Properties; failures: Failure[] } {
  const problems = failures(news, {
    // Eight digits of the key follow.
    commonName: commonName(55),
    validityDays: wholeNumber(1),
    renewBeforeDays: wholeNumber(0),
    rotation: wholeNumber(0),
  });
  if (problems.length === 0 && Number(news.renewBeforeDays) >= Number(news.validityDays))
    problems.push({
      property: "renewBeforeDays",
      reason: `renewBeforeDays is ${news.renewBeforeDays}; it must be less than validityDays, ${news.validityDays}`,
    });
  return { inputs: { ...news, ...(problems.length ? {} : validity(olds, news, identity, now)) }, failures: problems };
}

async function create(wanted: AuthorityWanted): Promise<AuthorityOutputs> {
  return withSuccessor(wanted, await issueAuthority(generationName(wanted), wanted), "");
}

/**
 * A rotation hands over to the successor, which everybody has trusted since the rotation before: at no time does one node show a
 * certificate that the other cannot verify. The new certificate has the successor's name and key, and the new dates.
 *
 * @returns undefined if the authority stays as it is
 */
async function update(
  wanted: AuthorityWanted,
  state: AuthorityWanted & AuthorityOutputs,
): Promise<AuthorityOutputs | undefined> {
  if (same({ ...state }, { ...wanted }, [...identity, "notBefore", "notAfter"])) return undefined;
  const successor = { certificatePem: state.successorCertificatePem, privateKeyPem: state.successorPrivateKeyPem };
  return withSuccessor(wanted, await reissueAuthority(successor, wanted), state.certificatePem);
}

async function withSuccessor(
  wanted: AuthorityWanted,
  current: Issued,
  predecessorCertificatePem: string,
): Promise<AuthorityOutputs> {
  // It is to be valid still when it takes over, which is at the end of this one's time at the latest.
  const successor = await issueAuthority(generationName(wanted), extended(wanted, wanted.validityDays));
  return {
    ...current,
    successorCertificatePem: successor.certificatePem,
    successorPrivateKeyPem: successor.privateKeyPem,
    predecessorCertificatePem,
    trustPem: current.certificatePem + successor.certificatePem + predecessorCertificatePem,
    fingerprint: fingerprint(current.certificatePem),
  };
}

/** Generations have names of their own, so that a verifier takes the right one of several in a file. */
function generationName({ commonName }: AuthorityWanted): string {
  return `${commonName} ${randomBytes(4).toString("hex")}`;
}

export const authorityType = {
  inputs: [...identity, "renewBeforeDays", "notBefore", "notAfter"],
  outputs: [
    "certificatePem",
    "privateKeyPem",
    "successorCertificatePem",
    "successorPrivateKeyPem",
    "predecessorCertificatePem",
    "trustPem",
    "fingerprint",
  ] satisfies (keyof AuthorityOutputs)[],
  secretOutputs: ["privateKeyPem", "successorPrivateKeyPem"] satisfies (keyof AuthorityOutputs)[],
  // Under another name it is another authority: nothing that trusts the old one can know it.
  replaceOn: ["commonName"],
  check,
  create,
  update,
};
