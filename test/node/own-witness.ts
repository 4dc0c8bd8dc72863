import { readFileSync } from "node:fs";
import { join } from "node:path";

const guide = readFileSync(join(import.meta.dirname, "../../docs/witness.md"), "utf8");

/** The site in the guide's example. */
export const guideSite = "store-0042";

/** Subject of a node's client certificate in the guide's example. */
export const guideSubject = (node: string, site = guideSite) => `${site}-${node}`;

/** The nginx configuration that docs/witness.md gives to people who run their own witness. */
export function guideConfiguration(sites: readonly string[] = [guideSite]): string {
  const configuration = part(/```nginx\n([\s\S]*?)```/, "no nginx configuration");
  const [location = ""] = new RegExp(` *location /${guideSite}/ {\n[^}]*}\n`).exec(configuration) ?? [];
  if (location === "") throw new Error("the nginx configuration in docs/witness.md has no location for a site");
  return configuration.replace(location, () => sites.map((site) => location.replaceAll(guideSite, site)).join("\n"));
}

/** The commands that make its tree. */
export function guideCommands(site: string): string {
  return part(/```\n(mount [\s\S]*?)```/, "nothing on how to make the tree").replaceAll(guideSite, site);
}

function part(pattern: RegExp, otherwise: string): string {
  const [, found] = pattern.exec(guide) ?? [];
  if (found === undefined) throw new Error(`docs/witness.md has ${otherwise}`);
  return found;
}
