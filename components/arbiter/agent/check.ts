/**
 * Checks of values that come from outside: settings, notes, the sibling's words. Written by hand because a schema library
 * would cost the agent more memory than all of its own state.
 */

/** Returns the value with its type, or throws {@link Misfit}; `at` is where the value stands, such as `core.index`. */
export type Check<T> = (value: unknown, at: string) => T;

/** What was found, where, and what is allowed there. */
export class Misfit extends Error {
  override name = "Misfit";
}

export const boolean: Check<boolean> = (value, at) =>
  typeof value === "boolean" ? value : misfit(at, value, "true or false");

export const integer =
  (min: number, max: number): Check<number> =>
  (value, at) =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max
      ? (value as number)
      : misfit(at, value, `a whole number from ${min} to ${max}`);

export const text =
  (pattern: RegExp, allowed: string): Check<string> =>
  (value, at) =>
    typeof value === "string" && pattern.test(value) ? value : misfit(at, value, allowed);

export const oneOf =
  <const T extends string | number>(...words: readonly T[]): Check<T> =>
  (value, at) =>
    (words as readonly unknown[]).includes(value) ? (value as T) : misfit(at, value, words.join(", "));

export const nullable =
  <T>(check: Check<T>): Check<T | null> =>
  (value, at) =>
    value === null ? null : check(value, at);

/** What an older program does not say counts as `unsaid`. */
export const ifSaid =
  <T>(unsaid: T, check: Check<T>): Check<T> =>
  (value, at) =>
    value === undefined ? unsaid : check(value, at);

export const list =
  <T>(check: Check<T>, most: number): Check<T[]> =>
  (value, at) =>
    Array.isArray(value) && value.length <= most
      ? value.map((item, index) => check(item, `${at}[${index}]`))
      : misfit(at, value, `a list of at most ${most}`);

/** An object with all of these keys. Others are refused (`exact`) or dropped (`atLeast`: words of a newer program). */
export const exact = <T>(shape: { [K in keyof T]: Check<T[K]> }): Check<T> => record(shape, true);
export const atLeast = <T>(shape: { [K in keyof T]: Check<T[K]> }): Check<T> => record(shape, false);

function record<T>(shape: { [K in keyof T]: Check<T[K]> }, refuseOthers: boolean): Check<T> {
  return (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return misfit(at, value, "an object");
    const given = value as Record<string, unknown>;
    const inside = (key: string) => (at === "" ? key : `${at}.${key}`);
    if (refuseOthers) {
      const other = Object.keys(given).find((key) => !Object.hasOwn(shape, key));
      if (other !== undefined) throw new Misfit(`${inside(other)} is not known here`);
    }
    const entries = Object.entries(shape) as [string, Check<unknown>][];
    return Object.fromEntries(entries.map(([key, check]) => [key, check(given[key], inside(key))])) as T;
  };
}

function misfit(at: string, value: unknown, allowed: string): never {
  const found = value === undefined ? "is missing" : `is ${JSON.stringify(value)?.slice(0, 80)}`;
  throw new Misfit(`${at === "" ? "the whole" : at} ${found}; allowed is ${allowed}`);
}
