/** One verb of the `tandem` command. */
export interface Verb {
  /** The words after `tandem`, for the list of verbs: `apply [--dry-run] < bundle.json`. */
  readonly usage: string;
  /** One line. */
  readonly summary: string;
  /**
   * Prints its result to stdout.
   * @param args the words after the verb
   * @throws Failure for what a person can act on; anything else is reported with its stack
   */
  run(args: readonly string[]): Promise<void>;
}

/** A refusal or a failure, told in whole sentences: what it was, what is allowed, what to do. */
export class Failure extends Error {
  override name = "Failure";
}

/** Several problems found in one go, one per line. */
export function failAll(heading: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new Failure([heading, ...problems.map((problem) => `- ${problem}`)].join("\n"));
}
