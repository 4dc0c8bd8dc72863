/** The site of the current Pulumi stack. */
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { holds, readEnvironments } from "./environments.ts";
import { parseSite, siteKey } from "./parse.ts";
import { type ConfigPath, formatPath } from "./problems.ts";
import type { SiteConfig } from "./schema.ts";
import type { Sealed } from "./secret.ts";

const secretPaths: ConfigPath[] = [
  ["ssh", "privateKey"],
  ["witness", "credentials", "nodeOne", "clientKey"],
  ["witness", "credentials", "nodeTwo", "clientKey"],
  ["kubernetes", "token"],
  ["datastore", "clientKey"],
];
const environmentsFolder = join(import.meta.dirname, "../../stacks/environments");

/**
 * Reads and checks the site of the current stack; warnings go to Pulumi's log.
 * @throws with every error of the configuration, one a line
 */
export function loadSite(config: pulumi.Config): SiteConfig {
  const raw = rawSite(config);
  const result = parseSite(raw, readEnvironments(environmentsFolder));
  for (const warning of result.warnings) void pulumi.log.warn(warning);
  const errors = result.ok ? [] : [...result.errors];
  errors.push(...secretsInPlainText(raw, config));
  if (!result.ok || errors.length > 0)
    throw new Error(`the site's configuration cannot be used:\n${errors.map((error) => `  ${error}`).join("\n")}`);
  return withPulumiSecrets(result.site);
}

/** Not by requireObject, whose error repeats the value, secrets included. */
function rawSite(config: pulumi.Config): unknown {
  const text = config.get("site");
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return text;
  }
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

function withPulumiSecrets(site: SiteConfig<Sealed>): SiteConfig {
  const wrap = (sealed: Sealed) => pulumi.secret(sealed.reveal());
  const ssh = { ...site.ssh, privateKey: wrap(site.ssh.privateKey) };
  const kubernetes =
    site.kubernetes.distribution === "k3s"
      ? { ...site.kubernetes, token: site.kubernetes.token && wrap(site.kubernetes.token) }
      : site.kubernetes;
  if (site.witness === undefined) {
    const { datastore } = site;
    return { ...site, ssh, kubernetes, datastore: { ...datastore, clientKey: wrap(datastore.clientKey) } };
  }
  const { witness } = site;
  if (witness.kind === "managed") return { ...site, ssh, kubernetes, witness };
  const { nodeOne, nodeTwo } = witness.credentials;
  const credentials = {
    nodeOne: { ...nodeOne, clientKey: wrap(nodeOne.clientKey) },
    nodeTwo: { ...nodeTwo, clientKey: wrap(nodeTwo.clientKey) },
  };
  return { ...site, ssh, kubernetes, witness: { ...witness, credentials } };
}
