import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Issued, issueAuthority, issueLeaf, type Usage } from "../../components/pki/provider/x509.ts";

const window = {
  notBefore: new Date(Date.now() - 60_000).toISOString(),
  notAfter: new Date(Date.now() + 86_400_000).toISOString(),
};

/** An authority of a test site, and folders with certificates of it as a node has them under /etc/tandem/pki. */
export class SiteCertificates {
  readonly folder = mkdtempSync(join(tmpdir(), "tandem-certificates-"));
  readonly #authority: Issued;

  private constructor(authority: Issued) {
    this.#authority = authority;
  }

  static async create(): Promise<SiteCertificates> {
    return new SiteCertificates(await issueAuthority("test site CA", window));
  }

  get authorityPem(): string {
    return this.#authority.certificatePem;
  }

  issue(commonName: string, usages: readonly Usage[], dnsNames: readonly string[] = [commonName]): Promise<Issued> {
    return issueLeaf({ commonName, usages, dnsNames, ipAddresses: [] }, window, this.#authority);
  }

  /** The folder of a node with this name: site-ca.crt, agent and witness-client. */
  async node(name: string): Promise<string> {
    const folder = mkdtempSync(join(this.folder, `${name}-`));
    write(folder, "site-ca.crt", this.authorityPem);
    writePair(folder, "agent", await this.issue(name, ["server", "client"]));
    writePair(folder, "witness-client", await this.issue(name, ["client"]));
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
