import { inspect } from "node:util";

/**
 * A secret value outside a Pulumi program. It prints as `[secret]` wherever a value may be printed by accident: string concatenation,
 * JSON, console and error messages; only {@link Sealed.reveal} gives the text.
 */
export class Sealed {
  readonly #value: string | undefined;

  private constructor(value: string | undefined) {
    this.#value = value;
  }

  static of(value: string): Sealed {
    return new Sealed(value);
  }

  /** A secret whose stack file was read without Pulumi, so that only its ciphertext is at hand. */
  static encrypted(): Sealed {
    return new Sealed(undefined);
  }

  /**
   * The text itself.
   * @throws if the value was never decrypted.
   */
  reveal(): string {
    if (this.#value === undefined)
      throw new Error("a secret of this site is still encrypted: read the stack through Pulumi");
    return this.#value;
  }

  get isEncrypted(): boolean {
    return this.#value === undefined;
  }

  toString(): string {
    return "[secret]";
  }

  toJSON(): string {
    return "[secret]";
  }

  [inspect.custom](): string {
    return "[secret]";
  }
}
