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
  /** Of node one, then of node two; all of them are to be pushed as secrets. */
  readonly files: readonly [PkiFiles, PkiFiles];

  constructor(name: string, { siteName, nodes, pki, sitePki }: K3sPkiArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:K3sPki", name, {}, opts);
    const key = new Issuer(siteName, pki, this).sharedKey("k3s-token", 32);
    // In hexadecimal: k3s takes colons and what follows `K10` as parts of a token.
    this.token = pulumi.secret(key.base64.apply((text) => Buffer.from(text, "base64").toString("hex")));
    const files = ({ name: node }: Pick<NodeConfig, "name">): PkiFiles => ({
      [tokenPath]: { content: this.token, mode: "0600" },
      ...credentialFiles(`${pkiFolder}/etcd-client`, sitePki.etcdClient(node, "k3s")),
    });
    this.files = [files(nodes[0]), files(nodes[1])];
    this.registerOutputs();
  }
}
