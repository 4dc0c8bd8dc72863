/** How Pulumi's protocol writes property values that plain JSON lacks: secrets, unknowns, assets. */
import * as runtime from "@pulumi/pulumi/runtime/index.js";

export type Properties = { [name: string]: unknown };

export const unknown: string = runtime.unknownValue;

export function secret(value: unknown): unknown {
  return { [runtime.specialSigKey]: runtime.specialSecretSig, value };
}

/** The value with every secret mark in it, at any depth, taken off. */
export function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  if (runtime.isRpcSecret(value)) return plain(runtime.unwrapRpcSecret(value));
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, plain(child)]));
}

export function containsUnknown(value: unknown): boolean {
  if (value === unknown) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(containsUnknown);
}

/** What is to be copied: text or a file (an asset), or a folder or an archive file (an archive by its path). */
export type Source =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "path"; readonly path: string };

/** The source in a plain value; undefined for the forms that version 1.2.1 of the plugin does not copy. */
export function sourceOf(value: unknown): Source | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const fields = value as Properties;
  const signature = fields[runtime.specialSigKey];
  if (signature === runtime.specialAssetSig && typeof fields.text === "string" && fields.text !== "")
    return { kind: "text", text: fields.text };
  if (signature !== runtime.specialAssetSig && signature !== runtime.specialArchiveSig) return undefined;
  if (typeof fields.path === "string" && fields.path !== "") return { kind: "path", path: fields.path };
  return signature === runtime.specialAssetSig && fields.text === "" ? { kind: "text", text: "" } : undefined;
}

/** The hash by which the engine knows an asset's or archive's content. */
export function hashOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null ? ((value as Properties).hash as string | undefined) : undefined;
}
