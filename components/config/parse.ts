/** From a site as its author wrote it to a {@link SiteConfig}, or to every reason why there is none; without a Pulumi engine. */
import {
  type EnvironmentFiles,
  environmentFile,
  holds,
  isMap,
  isOwn,
  overlay,
  parseEnvironment,
  type Values,
} from "./environments.ts";
import { formatPath, type Problem, problemsOf, receivedKind } from "./problems.ts";
import { checkRules } from "./rules.ts";
import { type ParsedSite, type SectionName, type SiteConfig, schemaFor, sections } from "./schema.ts";
import type { Sealed } from "./secret.ts";

/** Each text begins with where it was found, then the path: `tandem:site: nodes[1].frontend: ...`. */
export type ParseResult = { readonly warnings: readonly string[] } & (
  | { readonly ok: true; readonly site: SiteConfig<Sealed> }
  | { readonly ok: false; readonly errors: readonly string[] }
);

export const siteKey = "tandem:site";

/**
 * Reads and checks a site without a Pulumi engine.
 * @param raw what stands under `tandem:site`; secrets may still be encrypted
 */
export function parseSite(raw: unknown, environments: EnvironmentFiles): ParseResult {
  if (!isMap(raw)) {
    return {
      ok: false,
      errors: [`${siteKey}: ${receivedKind(raw)}; must be a map of ${Object.keys(sections).join(", ")}`],
      warnings: [],
    };
  }
  const environment = lowerValues(raw, environments);
  const unread = "errors" in environment;
  const lower = unread ? {} : environment.values;

  const values = overlay(lower, raw);
  const shape = parseSections(values);
  const found = checkRules(shape.site);
  // Without its environment a site lacks much: to list all of that would hide the cause.
  const isCertain = ({ path }: Problem) => !unread || holds(raw, path) || isOwn(path);
  const tell = ({ path, message }: Problem) => {
    const inherited = !holds(raw, path) && holds(lower, path);
    return `${inherited ? environmentFile(String(raw.environment)) : siteKey}: ${formatPath(path)}: ${message}`;
  };
  const errors = [
    ...(unread ? environment.errors : []),
    ...[...shape.errors, ...found.errors].filter(isCertain).map(tell),
  ];
  const warnings = found.warnings.filter(isCertain).map(tell);
  if (errors.length > 0) return { ok: false, errors, warnings };
  return { ok: true, site: shape.site as ParsedSite, warnings };
}

function lowerValues(raw: Values, environments: EnvironmentFiles) {
  const name = sections.environment.safeParse(raw.environment);
  // A name of the wrong shape is told with the other errors of shape.
  return name.data === undefined ? { values: {} } : parseEnvironment(name.data, environments);
}

/** Section by section, so that the rules can still check those that are right. */
function parseSections(values: Values): { site: Partial<ParsedSite>; errors: Problem[] } {
  const names = Object.keys(sections) as SectionName[];
  const known = names.join(", ");
  const errors: Problem[] = Object.keys(values)
    .filter((key) => !Object.hasOwn(sections, key))
    .map((key) => ({ path: [key], message: `unknown key; known here: ${known}` }));
  const site: Record<string, unknown> = {};
  for (const name of names) {
    const parsed = schemaFor(name, values).safeParse(values[name]);
    if (parsed.success) site[name] = parsed.data;
    else errors.push(...problemsOf(parsed.error).map(({ path, message }) => ({ path: [name, ...path], message })));
  }
  return { site: site as Partial<ParsedSite>, errors };
}
