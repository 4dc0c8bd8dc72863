import * as pulumi from "@pulumi/pulumi";

export interface AuthorityArgs {
  /** At most 55 characters; the certificates' own common names have eight digits behind it, which differ by generation. */
  readonly commonName: string;
  readonly validityDays: number;
  /** With less than this left, the next `up` rotates the authority. At least the validity of the certificates it signs. */
  readonly renewBeforeDays: number;
  /** A new number rotates the authority. */
  readonly rotation: number;
}

/**
 * A certificate authority of the site's own, in the stack's state. A rotation hands over to a successor, which is made in advance and trusted
 * from the start, so that certificates of the old and the new generation verify each other while the nodes are changed one by one.
 * What a stolen key of an authority has signed is therefore refused only after two rotations.
 */
export class Authority extends pulumi.CustomResource {
  declare readonly certificatePem: pulumi.Output<string>;
  /** PKCS#8; secret. */
  declare readonly privateKeyPem: pulumi.Output<string>;
  /** What verifiers are to trust: this authority, its successor, and its predecessor while there is one. */
  declare readonly trustPem: pulumi.Output<string>;
  /** ISO 8601. */
  declare readonly notAfter: pulumi.Output<string>;
  /** SHA-256 over the DER form, as `openssl x509 -fingerprint -sha256` prints it. */
  declare readonly fingerprint: pulumi.Output<string>;

  constructor(name: string, args: AuthorityArgs, opts: pulumi.CustomResourceOptions) {
    const outputs = {
      certificatePem: undefined,
      privateKeyPem: undefined,
      trustPem: undefined,
      fingerprint: undefined,
    };
    super(
      "tandem:pki:Authority",
      name,
      { ...args, ...outputs, notAfter: undefined },
      pulumi.mergeOptions(opts, { additionalSecretOutputs: ["privateKeyPem", "successorPrivateKeyPem"] }),
    );
  }
}
