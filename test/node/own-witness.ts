import { readFileSync } from "node:fs";
import { join } from "node:path";

const guide = readFileSync(join(import.meta.dirname, "../../docs/witness.md"), "utf8");

/** The site in the guide's example. */
export const guideSite = "store-0042";

/** Subject of a node's client certificate in the guide's example. */
export const guideSubject = (node: string) => `${guideSite}-${node}`;

/** The nginx configuration that docs/witness.md gives to people who run their own witness. */
export function guideConfiguration(): string {
  const block = /```nginx\n([\s\S]*?)```/.exec(guide)?.[1];
  if (block === undefined) throw new Error("docs/witness.md has no nginx configuration");
  return block;
}

/** The commands that make its tree. */
export function guideCommands(): string {
  const block = /```\n(mount [\s\S]*?)```/.exec(guide)?.[1];
  if (block === undefined) throw new Error("docs/witness.md does not say how to make the tree");
  return block;
}
