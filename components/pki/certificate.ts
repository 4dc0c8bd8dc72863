import * as pulumi from "@pulumi/pulumi";
import type { Authority } from "./authority.ts";

export interface CertificateArgs {
  readonly authority: Authority;
  readonly commonName: string;
  /** Subject's organization, which some servers take for a group. */
  readonly organization?: string;
  /** Subject alternative names; a certificate for servers has at least one of either kind. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** What its holder may be. */
  readonly usages: readonly ("server" | "client")[];
  readonly validityDays: number;
  /** With less than this left, the next `up` issues it anew. */
  readonly renewBeforeDays: number;
  /** A new number issues it anew. */
  readonly rotation: number;
}

/**
 * A certificate and its key, in the stack's state. It is issued anew, under a new key, when its names, its usages, its authority or `rotation`
 * change, and when it comes near its end; the preview shows the new dates.
 */
export class Certificate extends pulumi.CustomResource {
  declare readonly certificatePem: pulumi.Output<string>;
  /** PKCS#8; secret. */
  declare readonly privateKeyPem: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;
  /** SHA-256 over the DER form, as `openssl x509 -fingerprint -sha256` prints it. */
  declare readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, { authority, ...args }: CertificateArgs, opts: pulumi.CustomResourceOptions) {
    const outputs = { certificatePem: undefined, privateKeyPem: undefined, fingerprint: undefined };
    const { certificatePem: authorityCertificatePem, privateKeyPem: authorityPrivateKeyPem } = authority;
    super(
      "tandem:pki:Certificate",
      name,
      { ...args, authorityCertificatePem, authorityPrivateKeyPem, ...outputs, notAfter: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKeyPem", "authorityPrivateKeyPem"] }),
    );
  }
}
