/** Checks of single inputs. Each gives what is wrong with the value, what it was and what is allowed, or undefined. */
import { isIP } from "node:net";
import { isUnknown, type Properties } from "./values.ts";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

export type Check = (value: unknown) => string | undefined;

/** Failures of the inputs that are known. */
export function failures(news: Properties, checks: { readonly [property: string]: Check }): Failure[] {
  return Object.entries(checks).flatMap(([property, check]) => {
    const reason = isUnknown(news[property]) ? undefined : check(news[property]);
    return reason === undefined ? [] : [{ property, reason: `${property} ${reason}` }];
  });
}

/** X.520 allows no more in a common name. */
const longestCommonName = 64;

export function commonName(longest: number = longestCommonName): Check {
  return (value) => {
    if (typeof value === "string" && value.length > 0 && value.length <= longest) return undefined;
    return `is ${show(value)}; it must have 1 to ${longest} characters`;
  };
}

export function wholeNumber(least: number): Check {
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : `is ${show(value)}; it must be a whole number, at least ${least}`;
}

const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

export const dnsNames: Check = listOf(
  (name) => name.length <= 253 && name.split(".").every((part) => label.test(part)),
  "DNS names of letters, digits and dashes in labels of at most 63 characters",
);

export const ipAddresses: Check = listOf((address) => isIP(address) !== 0, "IPv4 or IPv6 addresses");

export const usages: Check = (value) =>
  Array.isArray(value) && value.length === 0
    ? "is empty; name server, client or both"
    : listOf((usage) => usage === "server" || usage === "client", "server and client")(value);

function listOf(isGood: (item: string) => boolean, allowed: string): Check {
  return (value) => {
    if (!Array.isArray(value)) return `is ${show(value)}; it must be a list of ${allowed}`;
    const bad = value.filter((item) => typeof item !== "string" || !isGood(item));
    return bad.length ? `has ${bad.map(show).join(", ")}; allowed are ${allowed}` : undefined;
  };
}

function show(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
