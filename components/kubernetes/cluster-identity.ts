import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../cli/cluster-identity.ts";
import type { ApiEndpoint } from "../config/kubernetes-config.ts";
import type { NodeConfig } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import { endpointUrl } from "./endpoint.ts";
import { credentialsOf } from "./kubeconfig.ts";
import { apiServerPort } from "./paths.ts";

export interface ClusterIdentityArgs {
  /** That asks: a node of the site. */
  readonly host: Host;
  /** Node one, then node two. */
  readonly nodes: readonly [Pick<NodeConfig, "frontend">, Pick<NodeConfig, "frontend">];
  readonly endpoint: ApiEndpoint;
  /** The operator's, with which the stack makes objects too. */
  readonly kubeconfig: pulumi.Output<string>;
  /** What the stack makes in the cluster: before any of it changes, the cluster is asked again who it is. */
  readonly objects: readonly object[];
}

/**
 * Which cluster answers at the site's addresses. It must be one, that of the operator's kubeconfig, and the one in which the stack has
 * made what its state says; whatever is to be made in it waits for this.
 */
export class ClusterIdentity extends pulumi.ComponentResource {
  readonly known: pulumi.Resource;

  constructor(name: string, args: ClusterIdentityArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:ClusterIdentity", name, {}, opts);
    const { host, nodes, endpoint, kubeconfig, objects } = args;
    const server = (address: string) => `${address}:${apiServerPort}`;
    const servers = {
      [endpoint.kind === "vip" ? "kubernetes.vip" : "kubernetes.loadBalancer"]: new URL(endpointUrl(endpoint)).host,
      "nodes[0].frontend": server(nodes[0].frontend),
      "nodes[1].frontend": server(nodes[1].frontend),
    };
    const digest = createHash("sha256").update(JSON.stringify(objects)).digest("hex");
    const access = kubeconfig.apply(
      (text) => ({ servers, ...credentialsOf(text), objects: digest }) satisfies ClusterAccess,
    );
    const asked = host.run("cluster-identity", "cluster-identity", access, { parent: this, secret: true });
    this.known = new RecordedIdentity(`${name}-record`, { uid: asked.stdout }, { parent: this });
    this.registerOutputs();
  }
}

/** Keeps the first `uid` in the stack's state, and refuses any other. */
class RecordedIdentity extends pulumi.CustomResource {
  constructor(name: string, args: { uid: pulumi.Output<string> }, opts: pulumi.CustomResourceOptions) {
    // As the state has it, and not secret though it was asked for with a key.
    super("tandem:kubernetes:RecordedIdentity", name, { uid: pulumi.unsecret(args.uid) }, opts);
  }
}
