/** Property values as the engine sends them: secrets wrapped, and in a preview with unknowns in the place of values to come. */
import * as runtime from "@pulumi/pulumi/runtime/index.js";

export type Properties = { readonly [name: string]: unknown };

export function secret(value: string): unknown {
  return { [runtime.specialSigKey]: runtime.specialSecretSig, value };
}

/** The properties with the secret marks taken off. */
export function plain(properties: Properties): Properties {
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, runtime.unwrapRpcSecret(value)]));
}

export function isUnknown(value: unknown): boolean {
  return value === runtime.unknownValue || (Array.isArray(value) && value.some(isUnknown));
}
