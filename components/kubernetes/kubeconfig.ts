import * as pulumi from "@pulumi/pulumi";
import { stringify } from "yaml";
import type { VirtualAddress } from "../config/site-config.ts";
import { apiServerPort } from "./paths.ts";
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

/** For an operator, complete in itself; a secret. */
export function adminKubeconfig(
  site: string,
  vip: Pick<VirtualAddress, "address">,
  { trustPem, admin }: Pick<KubernetesPki, "trustPem" | "admin">,
): pulumi.Output<string> {
  const parts = pulumi.all([trustPem, admin.certificatePem, admin.privateKeyPem]);
  const text = parts.apply((pems) => {
    const [trust = "", certificate = "", key = ""] = pems.map((pem) => Buffer.from(pem).toString("base64"));
    return kubeconfig(
      site,
      { server: `https://${vip.address}:${apiServerPort}`, "certificate-authority-data": trust },
      { "client-certificate-data": certificate, "client-key-data": key },
    );
  });
  return pulumi.secret(text);
}
