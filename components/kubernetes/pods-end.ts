import type { FileSpec } from "../cli/apply/bundle-type.ts";
import { readTemplate } from "../render.ts";

/** What kubelet and the pods write on a node, images and volumes of their own excepted. */
export const podsData = ["/var/lib/kubelet", "/var/log/pods", "/var/log/containers"];

/** A script of the nodes that ends their pods, and what such scripts share. */
export function podsEndFiles(script: "pods-end.sh" | "k3s-pods-end.sh"): Readonly<Record<string, FileSpec>> {
  const paths = [script, "pods-leftovers.sh"].map((name) => `/usr/local/lib/tandem/${name}`);
  return Object.fromEntries(
    paths.map((path) => [path, { mode: "0755", content: readTemplate(path.slice(1)), check: "shell" }]),
  );
}
