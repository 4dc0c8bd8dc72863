import * as pulumi from "@pulumi/pulumi";

export interface SharedKeyArgs {
  readonly bytes: number;
  /** Another number makes the successor the key; without it the key stays for ever. */
  readonly rotation?: number;
}

/** A random key in the stack's state, the same for every machine. */
export class SharedKey extends pulumi.CustomResource {
  /** Secret. */
  declare readonly base64: pulumi.Output<string>;

  constructor(name: string, args: SharedKeyArgs, opts: pulumi.CustomResourceOptions, outputs: readonly string[] = []) {
    const names = ["base64", ...outputs];
    const options = pulumi.mergeOptions(opts, { additionalSecretOutputs: names });
    super(
      "tandem:pki:SharedKey",
      name,
      { ...args, ...Object.fromEntries(names.map((each) => [each, undefined])) },
      options,
    );
  }
}

/** One that is handed over at a rotation to a successor, which every machine has known since the one before. */
export class RotatedKey extends SharedKey {
  /** Secret. */
  declare readonly successorBase64: pulumi.Output<string>;
  /** Those before, the first of them first; secret. */
  declare readonly predecessorsBase64: pulumi.Output<readonly string[]>;

  constructor(name: string, args: Required<SharedKeyArgs>, opts: pulumi.CustomResourceOptions) {
    super(name, args, opts, ["successorBase64", "predecessorsBase64"]);
  }
}
