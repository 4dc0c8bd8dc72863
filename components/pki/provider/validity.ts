import { isDeepStrictEqual } from "node:util";
import type { Properties } from "./values.ts";

/** When a certificate is in force, as ISO 8601 in UTC, whole seconds. */
export interface Validity {
  readonly notBefore: string;
  readonly notAfter: string;
}

const dayMs = 86_400_000;
/** A machine's clock may be behind by this much, or fall back by it, and still take a new certificate. */
const clockSkewMs = dayMs;

/**
 * The window that a resource is to have. It is part of the inputs, so that the preview shows a renewal as a change of the dates.
 *
 * @param olds inputs of the last run, empty for a new resource
 * @param identity inputs whose change needs a new certificate
 * @returns that of the last run, unless one of these changed or less than `renewBeforeDays` are left
 */
export function validity(olds: Properties, news: Properties, identity: readonly string[], now: Date): Validity {
  const { notBefore, notAfter } = olds as { [K in keyof Validity]?: string };
  if (notBefore !== undefined && notAfter !== undefined && same(olds, news, identity)) {
    const renewal = Date.parse(notAfter) - Number(news.renewBeforeDays) * dayMs;
    if (now.getTime() < renewal) return { notBefore, notAfter };
  }
  return {
    notBefore: iso(now.getTime() - clockSkewMs),
    notAfter: iso(now.getTime() + Number(news.validityDays) * dayMs),
  };
}

/** The same window with its end moved. */
export function extended({ notBefore, notAfter }: Validity, days: number): Validity {
  return { notBefore, notAfter: iso(Date.parse(notAfter) + days * dayMs) };
}

/** Whether all of these properties are equal. */
export function same(olds: Properties, news: Properties, names: readonly string[]): boolean {
  return names.every((name) => isDeepStrictEqual(olds[name], news[name]));
}

function iso(timeMs: number): string {
  return new Date(Math.floor(timeMs / 1000) * 1000).toISOString().replace(".000Z", "Z");
}
