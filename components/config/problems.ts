/** What is wrong with a configuration, and how it is told. */
import type { z } from "zod";

export type ConfigPath = readonly (string | number)[];

export interface Problem {
  readonly path: ConfigPath;
  /** What it was, what is allowed, what to do; begins in lower case and holds no secret. */
  readonly message: string;
}

/** `nodes[1].frontend` */
export function formatPath(path: ConfigPath): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`;
    return text === "" ? key : `${text}.${key}`;
  }, "");
}

/** One problem per key and message; Zod joins all unknown keys of a map into one issue and repeats a check's message per check. */
export function problemsOf(error: z.ZodError): Problem[] {
  const problems = error.issues.flatMap((issue): Problem[] => {
    const path = issue.path as (string | number)[];
    if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({ path: [...path, key], message: issue.message }));
  });
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const text = `${formatPath(problem.path)}: ${problem.message}`;
    return !seen.has(text) && seen.add(text);
  });
}

/**
 * `is "n 1"`, `is missing`: the first half of a message. Long or multi-line texts are not repeated, because what stands in the wrong
 * place may be a key.
 */
export function received(value: unknown): string {
  if (value === undefined) return "is missing";
  if (value === null) return "is empty";
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object") return "is a map";
  if (typeof value !== "string") return `is the ${typeof value} ${value}`;
  return value.length <= 64 && !value.includes("\n")
    ? `is ${JSON.stringify(value)}`
    : `is a text of ${value.length} characters`;
}

/** The same without the value, for secrets and for texts in the place of a map. */
export function receivedKind(value: unknown): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
    ? `is a ${typeof value === "string" ? "text" : typeof value}`
    : received(value);
}
