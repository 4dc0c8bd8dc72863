import * as pulumi from "@pulumi/pulumi";
import type { NodeConfig } from "../config/site-config.ts";
import type { Datastore } from "../datastore/datastore.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { tokenPath } from "./k3s-config.ts";

export interface K3sPkiArgs {
  readonly nodes: readonly [Pick<NodeConfig, "name">, Pick<NodeConfig, "name">];
  /** Of both nodes. */
  readonly token: pulumi.Output<string>;
  /** For a client of it. */
  readonly datastore: Pick<Datastore, "clientFiles">;
}

/** What k3s is given of secrets. It has authorities of its own, which it keeps in the datastore, encrypted under the token. */
export class K3sPki extends pulumi.ComponentResource {
  /** Of node one, then of node two; all of them are to be pushed as secrets. */
  readonly files: readonly [PkiFiles, PkiFiles];

  constructor(name: string, { nodes, token, datastore }: K3sPkiArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:K3sPki", name, {}, opts);
    const files = ({ name: node }: Pick<NodeConfig, "name">): PkiFiles => ({
      [tokenPath]: { content: token, mode: "0600" },
      ...datastore.clientFiles(node, "k3s"),
    });
    this.files = [files(nodes[0]), files(nodes[1])];
    this.registerOutputs();
  }
}
