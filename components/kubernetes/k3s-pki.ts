import * as pulumi from "@pulumi/pulumi";
import type { NodeConfig, PkiConfig } from "../config/site-config.ts";
import { Issuer } from "../pki/issuer.ts";
import { credentialFiles, type PkiFiles, type SitePki } from "../pki/site-pki.ts";
import { tokenPath } from "./k3s-config.ts";
import { pkiFolder } from "./paths.ts";

export interface K3sPkiArgs {
  readonly siteName: string;
  readonly nodes: readonly [Pick<NodeConfig, "name">, Pick<NodeConfig, "name">];
  readonly pki: PkiConfig;
  /** For a client of etcd. */
  readonly sitePki: SitePki;
}

/** What k3s is given of secrets. It has authorities of its own, which it keeps in the datastore, encrypted under the token. */
export class K3sPki extends pulumi.ComponentResource {
  /** Without it neither the cluster's secrets nor its authorities can be read from a backup of the datastore. */
  readonly token: pulumi.Output<string>;
  readonly #files: ReadonlyMap<string, PkiFiles>;

  constructor(name: string, { siteName, nodes, pki, sitePki }: K3sPkiArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:K3sPki", name, {}, opts);
    const key = new Issuer(siteName, pki, this).sharedKey("k3s-token", 32);
    // In hexadecimal: k3s takes colons and what follows `K10` as parts of a token.
    this.token = pulumi.secret(key.base64.apply((text) => Buffer.from(text, "base64").toString("hex")));
    const files = ({ name: node }: Pick<NodeConfig, "name">): PkiFiles => ({
      [tokenPath]: { content: this.token, mode: "0600" },
      ...credentialFiles(`${pkiFolder}/etcd-client`, sitePki.etcdClient(node, "k3s")),
    });
    this.#files = new Map(nodes.map((node) => [node.name, files(node)]));
    this.registerOutputs();
  }

  /** The files of a node, all of which are to be pushed as secrets. @throws Error if the site has no node of this name */
  files(node: string): PkiFiles {
    const files = this.#files.get(node);
    if (!files) throw new Error(`no node is named ${JSON.stringify(node)}`);
    return files;
  }
}
