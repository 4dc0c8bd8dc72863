import * as pulumi from "@pulumi/pulumi";
import type { FileSet } from "./cli/apply/bundle-type.ts";
import type { WitnessAddress } from "./cli/witness-check/exchange.ts";
import type { WitnessedSite, WitnessStorage } from "./config/site-config.ts";
import type { Host } from "./host.ts";
import { certificateVersions, pkiFileSet } from "./pki/file-set.ts";
import type { PkiFiles } from "./pki/site-pki.ts";
import { readTemplate, render } from "./render.ts";

/** What a managed witness of one site is made of. */
export interface WitnessArgs {
  readonly host: Host;
  readonly site: string;
  /** HTTPS port. */
  readonly port: number;
  /** Names of the two nodes, as in the CN of their client certificates. */
  readonly nodes: readonly string[];
  readonly storage: WitnessStorage;
  /** Whether destroying also removes claims that lie on a disk. */
  readonly purge: boolean;
  /** The server's certificate and key, and `ca.crt`, the authority behind the nodes' client certificates. */
  readonly pki: PkiFiles;
}

/** The web server's part of a site: its tree, its limits for each node, its certificate. Other sites may share the server. */
export class Witness extends pulumi.ComponentResource {
  /** The tree stands and nginx serves it. */
  readonly ready: pulumi.Resource;

  constructor(name: string, args: WitnessArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:witness:Witness", name, {}, opts);
    const { host, site, pki } = args;
    // Named after the site: the records on a shared witness must not meet.
    const component = `witness-${site}`;
    const keys = host.push(component, pkiFileSet(pki), { parent: this, secret: true });
    const files = certificateVersions(pki).apply((versions): FileSet => ({ ...witnessFiles(args), versions }));
    this.ready = host.push(component, files, { parent: this, dependsOn: [keys] });
    this.registerOutputs();
  }
}

/** How a node asks the site's witness, a managed or an existing one. */
export function witnessAddress(
  { name: site, nodes, witness }: Pick<WitnessedSite, "name" | "nodes" | "witness">,
  index: 0 | 1,
): WitnessAddress {
  const servername = witness.kind === "managed" ? serverName(site) : null;
  return { site, node: nodes[index].name, url: witness.url, servername, pki: "/etc/tandem/pki" };
}

/** The name that nodes ask for in TLS and in the Host header. */
export function serverName(site: string): string {
  return `${site}.tandem-witness`;
}

export type WitnessPlan = Pick<WitnessArgs, "site" | "port" | "nodes" | "storage" | "purge">;

/** Everything but the certificates; pure. */
export function witnessFiles({ site, port, nodes, storage, purge }: WitnessPlan): FileSet {
  const tree = storage.kind === "tmpfs" ? `/srv/tandem-witness/${site}` : `${storage.path}/${site}`;
  const root = tree.slice(0, -site.length - 1);
  const treeUnit = `tandem-witness-tree-${site}.service`;
  const mount = storage.kind === "tmpfs" ? mountUnit(tree) : "";
  const conf = `/etc/nginx/conf.d/tandem-${site}.conf`;
  const pki = `/etc/tandem-witness/${site}`;
  const unit = (content: string) => ({ mode: "0644", content, check: "unit" }) as const;
  return {
    packages: ["nginx"],
    directories: { [tree]: { mode: "0755" } },
    files: {
      "/usr/local/lib/tandem/witness-tree.sh": {
        mode: "0755",
        content: readTemplate("usr/local/lib/tandem/witness-tree.sh"),
        check: "shell",
      },
      ...(mount === ""
        ? {}
        : {
            [`/etc/systemd/system/${mount}`]: unit(
              render("etc/systemd/system/tandem-witness.mount.hbs", { site, tree }),
            ),
          }),
      [`/etc/systemd/system/${treeUnit}`]: unit(
        render("etc/systemd/system/tandem-witness-tree.service.hbs", { site, tree, mount, storage: storage.kind }),
      ),
      [`/etc/systemd/system/nginx.service.d/tandem-${site}.conf`]: {
        mode: "0644",
        content: render("etc/systemd/system/nginx.service.d/tandem.conf.hbs", { treeUnit }),
      },
      [conf]: {
        mode: "0644",
        content: render("etc/nginx/conf.d/tandem-site.conf.hbs", {
          site,
          id: site.replaceAll("-", "_"),
          port,
          nodes,
          root,
        }),
        check: "nginx",
      },
    },
    units: [
      ...(mount === "" ? [] : [{ name: mount, enable: true, state: "started" } as const]),
      { name: treeUnit, enable: true, state: "started" },
      {
        name: "nginx.service",
        enable: true,
        state: "started",
        // A reload keeps the nodes' connections, over which a claim is fast.
        reloadOn: [conf, `${pki}/server.crt`, `${pki}/server.key`, `${pki}/ca.crt`],
      },
    ],
    ...(storage.kind === "disk" ? { data: [tree], purge } : {}),
    prove: [{ kind: "listening", address: "127.0.0.1", port, withinSeconds: 20 }],
  };
}

/** The name that systemd demands of the unit for a mount point of letters, digits, dashes and slashes. */
function mountUnit(path: string): string {
  return `${path.slice(1).replaceAll("-", "\\x2d").replaceAll("/", "-")}.mount`;
}
