import type * as pulumi from "@pulumi/pulumi";
import type { PkiConfig } from "../config/site-config.ts";
import { Authority } from "./authority.ts";
import { Certificate, type CertificateArgs } from "./certificate.ts";
import { RotatedKey, SharedKey } from "./shared-key.ts";

/** A certificate and its key as PEM text. */
export interface Credential {
  readonly certificatePem: pulumi.Output<string>;
  readonly privateKeyPem: pulumi.Output<string>;
}

export type LeafArgs = Omit<CertificateArgs, "validityDays" | "renewBeforeDays" | "rotation">;

const leastAuthorityDays = 3650;

/** Makes authorities and certificates by the site's rules for their time; their names in the stack begin with the site's. */
export class Issuer {
  readonly #site: string;
  readonly #pki: PkiConfig;
  readonly #parent: pulumi.Resource;

  constructor(site: string, pki: PkiConfig, parent: pulumi.Resource) {
    this.#site = site;
    this.#pki = pki;
    this.#parent = parent;
  }

  authority(name: string, commonName: string): Authority {
    const { certificateValidityDays, rotation } = this.#pki;
    const args = {
      commonName: `${this.#site} ${commonName}`,
      rotation,
      validityDays: Math.max(leastAuthorityDays, 4 * certificateValidityDays),
      // It must outlive whatever it signs until then.
      renewBeforeDays: certificateValidityDays + 30,
    };
    return new Authority(`${this.#site}-${name}`, args, { parent: this.#parent });
  }

  certificate(name: string, args: LeafArgs): Certificate {
    const { certificateValidityDays: validityDays, renewBeforeDays, rotation } = this.#pki;
    const all = { ...args, validityDays, renewBeforeDays, rotation };
    return new Certificate(`${this.#site}-${name}`, all, { parent: this.#parent });
  }

  /** A random key that every machine shares. @param aliases where older stacks have it */
  sharedKey(name: string, bytes: number, aliases: pulumi.Alias[] = []): SharedKey {
    return new SharedKey(`${this.#site}-${name}`, { bytes }, { parent: this.#parent, aliases });
  }

  /** The same that rotates with everything else. */
  rotatedKey(name: string, bytes: number): RotatedKey {
    const { rotation } = this.#pki;
    return new RotatedKey(`${this.#site}-${name}`, { bytes, rotation }, { parent: this.#parent });
  }
}

export function client(commonName: string) {
  return { commonName, dnsNames: [], ipAddresses: [], usages: ["client"] } satisfies Omit<LeafArgs, "authority">;
}
