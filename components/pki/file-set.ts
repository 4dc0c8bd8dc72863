import { createHash } from "node:crypto";
import * as pulumi from "@pulumi/pulumi";
import type { FileSet, FileSpec } from "../cli/apply/bundle-type.ts";
import type { PkiFiles } from "./site-pki.ts";

/** The files for `Host.push`; certificates are checked on the machine before they take their places. */
export function pkiFileSet(files: PkiFiles, accounts: Pick<FileSet, "users"> = {}): pulumi.Output<FileSet> {
  return pulumi.output(files).apply((resolved): FileSet => {
    const specs = Object.entries(resolved).map(([path, { content, mode, owner }]): [string, FileSpec] => [
      path,
      {
        content,
        mode,
        ...(owner === undefined ? {} : { owner }),
        ...(path.endsWith(".crt") ? { check: "certificate" } : {}),
      },
    ]);
    return { ...accounts, files: Object.fromEntries(specs) };
  });
}

/** For the `versions` of a component that must be applied again when certificates change; by path, of the certificates only. */
export function certificateVersions(files: PkiFiles): pulumi.Output<Record<string, string>> {
  const certificates = Object.entries(files).filter(([path]) => path.endsWith(".crt"));
  return pulumi
    .output(Object.fromEntries(certificates.map(([path, { content }]) => [path, content])))
    .apply((contents) =>
      Object.fromEntries(
        Object.entries(contents).map(([path, pem]) => [
          path,
          createHash("sha256").update(pem).digest("hex").slice(0, 16),
        ]),
      ),
    );
}

/**
 * For `versions` as well; changes with any content. One of the files has to be a private key: without one a token that a person chose
 * could be found by trying.
 */
export function contentsVersion(files: PkiFiles): pulumi.Output<string> {
  const contents = Object.fromEntries(Object.entries(files).map(([path, { content }]) => [path, content]));
  const version = pulumi
    .output(contents)
    .apply((known) => createHash("sha256").update(JSON.stringify(known)).digest("hex").slice(0, 16));
  return pulumi.unsecret(version);
}
