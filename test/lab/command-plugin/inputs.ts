/** What the engine asks before it acts: are the inputs good, and what did change. */
import { isDeepStrictEqual } from "node:util";
import { connectionDefaults, connectionFields } from "./connection.ts";
import type { ResourceType } from "./resource.ts";
import { containsUnknown, type Properties, plain, secret } from "./wire.ts";

export interface Failure {
  readonly property: string;
  readonly reason: string;
}

/** The inputs as the state is to hold them (defaults in, the connection a secret), and what is wrong with them. No value is named. */
export function checkInputs(type: ResourceType, news: Properties): { inputs: Properties; failures: Failure[] } {
  const inputs = { ...news };
  const values = plain(news) as Properties;
  const failures: Failure[] = [
    ...missing(type.required, values, ""),
    ...unrecognised(type.fields, values, ""),
    ...(Object.values(values).some(containsUnknown) ? [] : type.problems(values)),
  ];
  const connection = values.connection;
  if (typeof connection === "object" && connection !== null) {
    failures.push(...missing(["host"], connection, "connection."));
    failures.push(...unrecognised(connectionFields, connection, "connection."));
    inputs.connection = secret({ ...connectionDefaults, ...connection });
  }
  return { inputs, failures };
}

function missing(required: readonly string[], values: object, path: string): Failure[] {
  return required
    .filter((field) => (values as Properties)[field] === undefined || (values as Properties)[field] === null)
    .map((field) => ({ property: path + field, reason: `Missing required property '${path}${field}'` }));
}

function unrecognised(known: readonly string[], values: object, path: string): Failure[] {
  return Object.keys(values)
    .filter((field) => !known.includes(field))
    .map((field) => ({
      property: path + field,
      reason: `the stand-in of the command plugin has no field '${path}${field}'; it knows ${known.join(", ")}`,
    }));
}

export interface Change {
  readonly property: string;
  readonly kind: "add" | "delete" | "update";
  readonly replaces: boolean;
}

/** Changed fields, in the order of the type's fields. */
export function changes(type: ResourceType, olds: Properties, news: Properties): Change[] {
  const [before, after] = [plain(olds) as Properties, plain(news) as Properties];
  return type.fields
    .filter((property) => !isDeepStrictEqual(before[property], after[property]))
    .map((property) => ({
      property,
      kind: before[property] === undefined ? "add" : after[property] === undefined ? "delete" : "update",
      replaces: type.replaceOn.includes(property),
    }));
}
