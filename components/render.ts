import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import Handlebars from "handlebars";

/** What a template may be given: text and numbers, and lists and records of them. */
export type Values = { readonly [name: string]: Value };
type Value = string | number | boolean | readonly Value[] | Values;

const templates = new URL("../templates/", import.meta.url);
const strict = Handlebars.create();

// Handlebars' own `strict` covers {{x}} only: its #each and #if take a missing value for an empty one.
for (const name of ["each", "if", "unless", "with"]) {
  const helper = strict.helpers[name] as Handlebars.HelperDelegate;
  strict.registerHelper(name, function (this: unknown, ...args: unknown[]) {
    if (args[0] === undefined || args[0] === null) throw new Error(`{{#${name}}} is given a value that does not exist`);
    return (helper as (...args: unknown[]) => unknown).apply(this, args);
  });
}

/**
 * Fills a template; pure but for reading it.
 * @param path below templates/, with its `.hbs`
 * @throws Error naming the template and the value that is missing
 */
export function render(path: string, values: Values): string {
  try {
    return strict.compile(readTemplate(path), { strict: true, noEscape: true, knownHelpersOnly: true })(values);
  } catch (error) {
    throw new Error(`templates/${path}: ${(error as Error).message}`);
  }
}

/** The text of a file below templates/ that takes no values. */
export function readTemplate(path: string): string {
  return readFileSync(fileURLToPath(new URL(encodeURI(path), templates)), "utf8");
}
