import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Validity } from "../../components/pki/provider/validity.ts";
import { type Issued, issueAuthority, issueLeaf, type Usage } from "../../components/pki/provider/x509.ts";

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;

/** Dates of a certificate, from now. */
function window(fromMs: number, toMs: number): Validity {
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  return { notBefore: at(fromMs), notAfter: at(toMs) };
}

export const valid = window(-MINUTE, DAY);
export const expired = window(-DAY, -MINUTE);
export const notYetValid = window(DAY, 2 * DAY);

/** An authority of a test site, and folders with certificates of it as a node has them under /etc/tandem/pki. */
export class SiteCertificates {
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-certificates-"));
  readonly #authority: Issued;

  private constructor(authority: Issued) {
    this.#authority = authority;
  }

  static async create(): Promise<SiteCertificates> {
    return new SiteCertificates(await issueAuthority("test site CA", valid));
  }

  get authorityPem(): string {
    return this.#authority.certificatePem;
  }

  issue(
    commonName: string,
    usages: readonly Usage[],
    dnsNames: readonly string[] = [commonName],
    dates: Validity = valid,
  ): Promise<Issued> {
    return issueLeaf({ commonName, usages, dnsNames, ipAddresses: [] }, dates, this.#authority);
  }

  /** The folder of a node with this name: site-ca.crt, agent and witness-client. */
  async node(name: string, dates: Validity = valid): Promise<string> {
    const folder = mkdtempSync(join(this.folder, `${name}-`));
    write(folder, "site-ca.crt", this.authorityPem);
    writePair(folder, "agent", await this.issue(name, ["server", "client"], [name], dates));
    writePair(folder, "witness-client", await this.issue(name, ["client"], [name], dates));
    return folder;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

export function writePair(folder: string, name: string, { certificatePem, privateKeyPem }: Issued): void {
  write(folder, `${name}.crt`, certificatePem);
  write(folder, `${name}.key`, privateKeyPem);
}

export function write(folder: string, name: string, content: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, name), content, { mode: 0o600 });
}
