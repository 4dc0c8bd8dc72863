/** The values that the sites of an environment share, and how a site's own values lie over them. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LineCounter, parseDocument } from "yaml";
import { type ConfigPath, formatPath } from "./problems.ts";

/** The texts of the files under stacks/environments/, by their name without `.yaml`. */
export type EnvironmentFiles = Readonly<Record<string, string>>;

export type Values = { readonly [key: string]: unknown };

/** Keys that make a site that site, and secrets, which a plain file must not hold. */
const ownKeys: { readonly path: ConfigPath; readonly why: string }[] = [
  { path: ["environment"], why: "an environment is not based on another one" },
  { path: ["name"], why: "each site has its own; set it in the site's stack file" },
  { path: ["nodes"], why: "each site has its own; set them in the site's stack file" },
  {
    path: ["ssh", "privateKey"],
    why: "a secret does not belong into a plain file; set it per stack with `pulumi config set --path --secret`",
  },
  {
    path: ["witness", "credentials"],
    why: "these secrets do not belong into a plain file; set them per stack with `pulumi config set --path --secret`",
  },
  {
    path: ["kubernetes", "token"],
    why: "a secret does not belong into a plain file; set it per stack with `pulumi config set --path --secret`",
  },
  {
    path: ["datastore", "clientKey"],
    why: "a secret does not belong into a plain file; set it per stack with `pulumi config set --path --secret`",
  },
];

/** Path of an environment's file in the repository, for messages. */
export function environmentFile(name: string): string {
  return `stacks/environments/${name}.yaml`;
}

/** Reads every `<name>.yaml` of a folder. */
export function readEnvironments(folder: string): EnvironmentFiles {
  const names = readdirSync(folder).filter((file) => file.endsWith(".yaml"));
  return Object.fromEntries(
    names.sort().map((file) => [file.slice(0, -".yaml".length), readFileSync(join(folder, file), "utf8")]),
  );
}

/** The values of an environment, or every reason why they cannot be used. */
export function parseEnvironment(
  name: string,
  files: EnvironmentFiles,
): { values: Values } | { errors: readonly string[] } {
  const text = Object.hasOwn(files, name) ? files[name] : undefined;
  if (text === undefined) {
    const existing = Object.keys(files).join(", ") || "none";
    return {
      errors: [`tandem:site: environment: there is no ${environmentFile(name)}; existing environments: ${existing}`],
    };
  }
  const lines = new LineCounter();
  // Pretty errors would quote the lines of the file.
  const document = parseDocument(text, { prettyErrors: false, lineCounter: lines });
  if (document.errors.length > 0) {
    return {
      errors: document.errors.map((error) => {
        const { line, col } = lines.linePos(error.pos[0]);
        return `${environmentFile(name)}:${line}:${col}: ${error.message}`;
      }),
    };
  }
  const values: unknown = document.toJS() ?? {};
  if (!isMap(values)) return { errors: [`${environmentFile(name)}: must be a map of the keys of tandem:site`] };
  const misplaced = ownKeys.filter(({ path }) => holds(values, path));
  if (misplaced.length === 0) return { values };
  return { errors: misplaced.map(({ path, why }) => `${environmentFile(name)}: ${formatPath(path)}: ${why}`) };
}

/** Keys that say which other keys their map has. */
const discriminators = ["kind", "distribution"];

/**
 * Maps are merged key by key; a list or a scalar of `upper` replaces what lies beneath, and so does a map of another kind, which has no
 * use for the other's keys.
 */
export function overlay(lower: Values, upper: Values): Values {
  const differ = (key: string) => key in lower && key in upper && lower[key] !== upper[key];
  const merged = new Map(discriminators.some(differ) ? [] : Object.entries(lower));
  for (const [key, value] of Object.entries(upper)) {
    const beneath = merged.get(key);
    merged.set(key, isMap(beneath) && isMap(value) ? overlay(beneath, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Whether values hold something at a path. */
export function holds(values: unknown, path: ConfigPath): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return values !== undefined;
  if (typeof values !== "object" || values === null || !Object.hasOwn(values, key)) return false;
  return holds((values as Record<string | number, unknown>)[key], rest);
}

/** Whether only the site itself may say what stands at a path. */
export function isOwn(path: ConfigPath): boolean {
  return ownKeys.some((own) => own.path.every((key, depth) => path[depth] === key));
}

export function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
