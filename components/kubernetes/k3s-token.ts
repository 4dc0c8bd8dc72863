import * as pulumi from "@pulumi/pulumi";
import { k3sPassword } from "../cli/preflight/k3s-token.ts";
import type { K3sConfig } from "../config/kubernetes-config.ts";
import type { PkiConfig } from "../config/site-config.ts";
import { Issuer } from "../pki/issuer.ts";

export interface K3sTokenArgs {
  readonly siteName: string;
  readonly kubernetes: Pick<K3sConfig, "token">;
  readonly pki: PkiConfig;
}

/**
 * The token of both nodes, without what k3s puts in front of it: that of the configuration, or one that is made with the stack. Without it
 * neither the cluster's secrets nor its authorities can be read from a backup of the datastore.
 */
export function k3sToken({ siteName, kubernetes, pki }: K3sTokenArgs, parent: pulumi.Resource): pulumi.Output<string> {
  if (kubernetes.token !== undefined) return pulumi.secret(kubernetes.token.apply(k3sPassword));
  const { base64 } = new Issuer(siteName, pki, parent).sharedKey("k3s-token", 32, [{ parent: formerParent(parent) }]);
  // In hexadecimal: k3s takes colons and what follows `K10` as parts of a token.
  return pulumi.secret(base64.apply((text) => Buffer.from(text, "base64").toString("hex")));
}

/** A stack that was made when the token was the cluster's part has it there, and must not make another. */
function formerParent(site: pulumi.Resource): pulumi.Output<string> {
  const cluster = pulumi.createUrn("kubernetes", "tandem:kubernetes:Cluster", site);
  return pulumi.createUrn("k3s-pki", "tandem:kubernetes:K3sPki", cluster);
}
