import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Issued, issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import type { Guest } from "../lab/guest.ts";
import type { LabStack } from "../lab/stack.ts";
import { guideCommands, guideConfiguration } from "../node/own-witness.ts";

const treeScript = join(import.meta.dirname, "../../templates/usr/local/lib/tandem/witness-tree.sh");
const hour = 3_600_000;

/** A web server that nobody but its own administrator touches, set up for one site as docs/witness.md says. */
export class OwnWitness {
  readonly #guest: Guest;
  readonly #site: string;
  readonly #port: number;
  readonly #authority: Issued;
  readonly #credentials: Readonly<Record<"nodeOne" | "nodeTwo", Issued>>;

  private constructor(
    guest: Guest,
    site: string,
    port: number,
    authority: Issued,
    credentials: Readonly<Record<"nodeOne" | "nodeTwo", Issued>>,
  ) {
    this.#guest = guest;
    this.#site = site;
    this.#port = port;
    this.#authority = authority;
    this.#credentials = credentials;
  }

  static async install(
    guest: Guest,
    site: string,
    nodes: readonly [string, string],
    port: number,
  ): Promise<OwnWitness> {
    const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();
    const dates = { notBefore: at(-hour), notAfter: at(24 * hour) };
    const authority = await issueAuthority(`${site} witness CA`, dates);
    const leaf = (commonName: string, ipAddresses: string[], usages: ("server" | "client")[]) =>
      issueLeaf({ commonName, dnsNames: [], ipAddresses, usages }, dates, authority);
    const server = await leaf("witness", [guest.spec.frontend], ["server"]);
    const credentials = {
      nodeOne: await leaf(`${site}-${nodes[0]}`, [], ["client"]),
      nodeTwo: await leaf(`${site}-${nodes[1]}`, [], ["client"]),
    };
    const put = (path: string, input: string) => guest.run(`cat >${path}`, { input });
    await guest.run(`mkdir -p /etc/witness /srv/witness/${site}`);
    await put("/etc/witness/server.crt", server.certificatePem);
    await put("/etc/witness/server.key", server.privateKeyPem);
    await put("/etc/witness/nodes-ca.crt", authority.certificatePem);
    await put("/usr/local/bin/witness-tree.sh", readFileSync(treeScript, "utf8"));
    await guest.run(`chmod 0755 /usr/local/bin/witness-tree.sh\n${guideCommands(site)}`);
    return new OwnWitness(guest, site, port, authority, credentials);
  }

  /** @param change what its administrator did otherwise than the guide */
  async serve(change: (configuration: string) => string = (same) => same): Promise<void> {
    const configuration = guideConfiguration([this.#site]).replace("listen 8443", `listen ${this.#port}`);
    const input = change(configuration);
    await this.#guest.run("cat >/etc/nginx/conf.d/own.conf && systemctl restart nginx", { input });
  }

  /** Makes it the stack's witness. @param authority behind its certificate, by the site's configuration */
  async use(stack: LabStack, authority = this.#authority): Promise<void> {
    const credential = ({ certificatePem }: Issued) => ({ clientCertificate: certificatePem });
    await stack.change((site) => {
      site.witness = {
        url: `https://${this.#guest.spec.frontend}:${this.#port}`,
        caCertificate: authority.certificatePem,
        credentials: {
          nodeOne: credential(this.#credentials.nodeOne),
          nodeTwo: credential(this.#credentials.nodeTwo),
        },
      };
    });
    for (const [node, { privateKeyPem }] of Object.entries(this.#credentials)) {
      const path = `tandem:site.witness.credentials.${node}.clientKey`;
      await stack.pulumi(["config", "set", "--secret", "--path", path], { input: privateKeyPem });
    }
  }

  async remove(): Promise<void> {
    await this.#guest.run("rm /etc/nginx/conf.d/own.conf /usr/local/bin/witness-tree.sh && systemctl stop nginx");
    await this.#guest.run(`umount /srv/witness/${this.#site} && rm -r /etc/witness /srv/witness`);
  }
}

/** An authority that has signed nothing. */
export function otherAuthority(): Promise<Issued> {
  const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();
  return issueAuthority("another CA", { notBefore: at(-hour), notAfter: at(24 * hour) });
}
