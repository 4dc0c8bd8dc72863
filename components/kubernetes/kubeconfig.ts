import * as pulumi from "@pulumi/pulumi";
import { parse, stringify } from "yaml";
import type { ApiEndpoint } from "../config/kubernetes-config.ts";
import { endpointUrl } from "./endpoint.ts";
import type { KubernetesPki } from "./pki.ts";

/** A kubeconfig of one cluster, one user and one context, all of the same name. */
export function kubeconfig(
  name: string,
  cluster: Readonly<Record<string, string>>,
  user: Readonly<Record<string, string>>,
): string {
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name, cluster }],
      users: [{ name, user }],
      contexts: [{ name, context: { cluster: name, user: name } }],
      "current-context": name,
    },
    { lineWidth: 0 },
  );
}

/**
 * An operator's kubeconfig out of the one that k3s writes for use on its node: at the address of the site, under the site's name.
 * @throws Error, without what it was given, if that is none of k3s's
 */
export function k3sKubeconfig(site: string, endpoint: ApiEndpoint, text: string): string {
  const { clusters, users } = (parse(text) ?? {}) as Partial<NodeKubeconfig>;
  const trust = clusters?.[0]?.cluster?.["certificate-authority-data"];
  const certificate = users?.[0]?.user?.["client-certificate-data"];
  const key = users?.[0]?.user?.["client-key-data"];
  if (trust === undefined || certificate === undefined || key === undefined)
    throw new Error("the kubeconfig on the node does not hold the trust, the certificate and the key of an operator");
  return operatorKubeconfig(site, endpoint, [trust, certificate, key]);
}

/** The PEM certificates that verify the API, out of a kubeconfig of one cluster. @throws Error if there are none */
export function trustOf(text: string): string {
  const { clusters } = (parse(text) ?? {}) as Partial<NodeKubeconfig>;
  const trust = clusters?.[0]?.cluster?.["certificate-authority-data"];
  if (trust === undefined) throw new Error("the kubeconfig does not hold what verifies the API");
  return Buffer.from(trust, "base64").toString();
}

interface NodeKubeconfig {
  readonly clusters: readonly { readonly cluster?: Readonly<Record<string, string>> }[];
  readonly users: readonly { readonly user?: Readonly<Record<string, string>> }[];
}

/** What an operator's kubeconfig holds, as PEM texts; of one that {@link adminKubeconfig} or {@link k3sKubeconfig} made. */
export function credentialsOf(text: string): { trust: string; certificate: string; key: string } {
  const { users } = parse(text) as NodeKubeconfig;
  const pem = (base64 = "") => Buffer.from(base64, "base64").toString();
  const user = users[0]?.user;
  return {
    trust: trustOf(text),
    certificate: pem(user?.["client-certificate-data"]),
    key: pem(user?.["client-key-data"]),
  };
}

/** For an operator, complete in itself; a secret. */
export function adminKubeconfig(
  site: string,
  endpoint: ApiEndpoint,
  { trustPem, admin }: Pick<KubernetesPki, "trustPem" | "admin">,
): pulumi.Output<string> {
  const parts = pulumi.all([trustPem, admin.certificatePem, admin.privateKeyPem]);
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  const text = parts.apply(([trust, certificate, key]) =>
    operatorKubeconfig(site, endpoint, [base64(trust), base64(certificate), base64(key)]),
  );
  return pulumi.secret(text);
}

/** Complete in itself, and for the address of the site. @param data PEM texts in base64 */
function operatorKubeconfig(
  site: string,
  endpoint: ApiEndpoint,
  [trust, certificate, key]: readonly [string, string, string],
): string {
  return kubeconfig(
    site,
    { server: endpointUrl(endpoint), "certificate-authority-data": trust },
    { "client-certificate-data": certificate, "client-key-data": key },
  );
}
