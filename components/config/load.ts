/** From the stack's configuration to a {@link SiteConfig}, or to every reason why there is none. */
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import {
  type EnvironmentFiles,
  environmentFile,
  holds,
  isMap,
  overlay,
  parseEnvironment,
  readEnvironments,
  type Values,
} from "./environments.ts";
import { type ConfigPath, formatPath, type Problem, problemsOf, receivedKind } from "./problems.ts";
import { checkRules } from "./rules.ts";
import { type ParsedSite, type SectionName, type SiteConfig, schemaFor, sections } from "./schema.ts";
import type { Sealed } from "./secret.ts";

/** Each text begins with where it was found, then the path: `tandem:site: nodes[1].frontend: ...`. */
export type ParseResult = { readonly warnings: readonly string[] } & (
  | { readonly ok: true; readonly site: SiteConfig<Sealed> }
  | { readonly ok: false; readonly errors: readonly string[] }
);

const siteKey = "tandem:site";
const secretPaths: ConfigPath[] = [
  ["ssh", "privateKey"],
  ["witness", "credentials", "nodeOne", "clientKey"],
  ["witness", "credentials", "nodeTwo", "clientKey"],
];
const environmentsFolder = join(import.meta.dirname, "../../stacks/environments");

/**
 * Reads and checks the site of the current stack; warnings go to Pulumi's log.
 * @throws with every error of the configuration, one a line
 */
export function loadSite(config: pulumi.Config): SiteConfig {
  const raw = config.requireObject<unknown>("site");
  const result = parseSite(raw, readEnvironments(environmentsFolder));
  for (const warning of result.warnings) void pulumi.log.warn(warning);
  const errors = result.ok ? [] : [...result.errors];
  errors.push(...secretsInPlainText(raw, config));
  if (!result.ok || errors.length > 0)
    throw new Error(`the site's configuration cannot be used:\n${errors.map((error) => `  ${error}`).join("\n")}`);
  return withPulumiSecrets(result.site);
}

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
  // Without its environment a site lacks much: to list all of that would hide the cause.
  if ("errors" in environment) return { ok: false, errors: environment.errors, warnings: [] };
  const lower = environment.values;

  const values = overlay(lower, raw) as Values;
  const shape = parseSections(values);
  const found = checkRules(shape.site);
  const tell = ({ path, message }: Problem) => {
    const inherited = !holds(raw, path) && holds(lower, path);
    return `${inherited ? environmentFile(String(raw.environment)) : siteKey}: ${formatPath(path)}: ${message}`;
  };
  const errors = [...shape.errors, ...found.errors].map(tell);
  const warnings = found.warnings.map(tell);
  if (errors.length > 0) return { ok: false, errors, warnings };
  return { ok: true, site: shape.site as ParsedSite, warnings };
}

/** Nothing in the decrypted values tells a secret from plain text; the language host only names the keys that hold any secret. */
function secretsInPlainText(raw: unknown, config: pulumi.Config): string[] {
  const secretKeys = process.env.PULUMI_CONFIG_SECRET_KEYS;
  if (secretKeys === undefined || (JSON.parse(secretKeys) as string[]).includes(`${config.name}:site`)) return [];
  return secretPaths
    .filter((path) => holds(raw, path))
    .map((path) => {
      const text = formatPath(path);
      return `${siteKey}: ${text}: is in plain text in the stack file; make a new key and set it with \`pulumi config set --path '${siteKey}.${text}' --secret\``;
    });
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
    const parsed = schemaFor(name, values[name]).safeParse(values[name]);
    if (parsed.success) site[name] = parsed.data;
    else errors.push(...problemsOf(parsed.error).map(({ path, message }) => ({ path: [name, ...path], message })));
  }
  return { site: site as Partial<ParsedSite>, errors };
}

function withPulumiSecrets(site: SiteConfig<Sealed>): SiteConfig {
  const wrap = (sealed: Sealed) => pulumi.secret(sealed.reveal());
  const { ssh, witness } = site;
  const held = { ...site, ssh: { ...ssh, privateKey: wrap(ssh.privateKey) } };
  if (witness.kind === "managed") return { ...held, witness };
  const { nodeOne, nodeTwo } = witness.credentials;
  const credentials = {
    nodeOne: { ...nodeOne, clientKey: wrap(nodeOne.clientKey) },
    nodeTwo: { ...nodeTwo, clientKey: wrap(nodeTwo.clientKey) },
  };
  return { ...held, witness: { ...witness, credentials } };
}
