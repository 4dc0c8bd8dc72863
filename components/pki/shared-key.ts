import * as pulumi from "@pulumi/pulumi";

export interface SharedKeyArgs {
  readonly bytes: number;
}

/** A random key in the stack's state, made once and the same for every machine. */
export class SharedKey extends pulumi.CustomResource {
  /** Secret. */
  declare readonly base64: pulumi.Output<string>;

  constructor(name: string, args: SharedKeyArgs, opts: pulumi.CustomResourceOptions) {
    const options = pulumi.mergeOptions(opts, { additionalSecretOutputs: ["base64"] });
    super("tandem:pki:SharedKey", name, { ...args, base64: undefined }, options);
  }
}
