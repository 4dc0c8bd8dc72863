import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Issued, issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import type { Guest } from "../lab/guest.ts";
import type { LabStack } from "../lab/stack.ts";
import { guideCommands, guideConfiguration, guideSubject } from "../node/own-witness.ts";
import { type NodeName, nodes } from "./site.ts";

const treeScript = join(import.meta.dirname, "../../templates/usr/local/lib/tandem/witness-tree.sh");
const hour = 3_600_000;

/** A web server that nobody but its own administrator touches, set up as docs/witness.md says. */
export class OwnWitness {
  readonly url: string;
  readonly #guest: Guest;
  readonly #sites: readonly string[];
  readonly #authority: Issued;
  /** By subject. */
  readonly #credentials: ReadonlyMap<string, Issued>;

  private constructor(
    guest: Guest,
    sites: readonly string[],
    authority: Issued,
    credentials: ReadonlyMap<string, Issued>,
  ) {
    this.url = `https://${guest.spec.frontend}:8443`;
    this.#guest = guest;
    this.#sites = sites;
    this.#authority = authority;
    this.#credentials = credentials;
  }

  /** The tree of each site; nothing is served yet. */
  static async install(guest: Guest, sites: readonly string[]): Promise<OwnWitness> {
    const dates = validity();
    const authority = await issueAuthority("witness CA", dates);
    const leaf = (commonName: string, ipAddresses: string[], usages: ("server" | "client")[]) =>
      issueLeaf({ commonName, dnsNames: [], ipAddresses, usages }, dates, authority);
    const server = await leaf("witness", [guest.spec.frontend], ["server"]);
    const subjects = sites.flatMap((site) => nodes.map((node) => guideSubject(node, site)));
    const credentials = await Promise.all(
      subjects.map(async (subject) => [subject, await leaf(subject, [], ["client"])] as const),
    );
    const put = (path: string, input: string) => guest.run(`cat >${path}`, { input });
    await guest.run("mkdir -p /etc/witness");
    await put("/etc/witness/server.crt", server.certificatePem);
    await put("/etc/witness/server.key", server.privateKeyPem);
    await put("/etc/witness/nodes-ca.crt", authority.certificatePem);
    await put("/usr/local/bin/witness-tree.sh", readFileSync(treeScript, "utf8"));
    await guest.run("chmod 0755 /usr/local/bin/witness-tree.sh");
    for (const site of sites) await guest.run(`mkdir -p /srv/witness/${site}\n${guideCommands(site)}`);
    return new OwnWitness(guest, sites, authority, new Map(credentials));
  }

  /** @param change what its administrator did otherwise than the guide */
  async serve(change: (configuration: string) => string = (same) => same): Promise<void> {
    const input = change(guideConfiguration(this.#sites));
    await this.#guest.run("cat >/etc/nginx/conf.d/own.conf && systemctl restart nginx", { input });
  }

  /** Makes it the stack's witness. @param authority behind its certificate, by the site's configuration */
  async use(stack: LabStack, authority = this.#authority): Promise<void> {
    const issued = new Map<string, Issued>();
    await stack.change((site) => {
      issued.set("nodeOne", this.credential(site.name, "n1")).set("nodeTwo", this.credential(site.name, "n2"));
      site.witness = {
        url: this.url,
        caCertificate: authority.certificatePem,
        credentials: Object.fromEntries(
          [...issued].map(([node, { certificatePem }]) => [node, { clientCertificate: certificatePem }]),
        ),
      };
    });
    for (const [node, { privateKeyPem }] of issued) {
      const path = `tandem:site.witness.credentials.${node}.clientKey`;
      await stack.pulumi(["config", "set", "--secret", "--path", path], { input: privateKeyPem });
    }
  }

  /** What a node of one of the sites shows to the server. */
  credential(site: string, node: NodeName): Issued {
    const issued = this.#credentials.get(guideSubject(node, site));
    if (issued === undefined) throw new Error(`the witness has no site ${site}`);
    return issued;
  }

  async remove(): Promise<void> {
    await this.#guest.run("rm /etc/nginx/conf.d/own.conf /usr/local/bin/witness-tree.sh && systemctl stop nginx");
    await this.#guest.run("umount /srv/witness/* && rm -r /etc/witness /srv/witness");
  }
}

/** An authority that has signed nothing. */
export function otherAuthority(): Promise<Issued> {
  return issueAuthority("another CA", validity());
}

function validity(): { notBefore: string; notAfter: string } {
  const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();
  return { notBefore: at(-hour), notAfter: at(24 * hour) };
}
