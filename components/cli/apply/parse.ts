import { posix } from "node:path";
import { Failure, failAll } from "../verb.ts";
import type { ApplyBundle } from "./bundle-type.ts";

/** Everything a bundle may hold; an unknown key is a newer bundle than this program. */
const keys = [
  "component",
  "files",
  "directories",
  "users",
  "packages",
  "artifacts",
  "modules",
  "units",
  "prove",
  "versions",
  "rollBack",
  "data",
  "purge",
];

/**
 * Reads a bundle. It comes from our own program, so its types are trusted; checked is what could damage a machine.
 * @throws Failure with every problem; contents are never shown
 */
export function parseBundle(text: string): ApplyBundle {
  let bundle: ApplyBundle;
  try {
    bundle = JSON.parse(text) as ApplyBundle;
  } catch {
    // The parser's own message quotes the text, which may hold a secret.
    throw new Failure(`stdin is not a bundle in JSON (${text.length} characters); pipe one in, as \`pulumi up\` does`);
  }
  const problems: string[] = [];
  if (typeof bundle.component !== "string" || !/^[a-z0-9][a-z0-9-]*$/.test(bundle.component)) {
    problems.push("[component] must be lower-case letters, digits and dashes");
  }
  for (const key of Object.keys(bundle)) {
    if (!keys.includes(key)) problems.push(`[${key}] is not known to this version of tandem; apply the program first`);
  }
  for (const [path, { mode, owner }] of [
    ...Object.entries(bundle.files ?? {}),
    ...Object.entries(bundle.directories ?? {}),
  ]) {
    checkPath(path, problems);
    checkMode(path, mode, problems);
    if (owner !== undefined && !/^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$/.test(owner)) {
      problems.push(`[${path}] has owner ${JSON.stringify(owner)}; write user:group`);
    }
  }
  for (const { name, sha256, install, mode, folder } of bundle.artifacts ?? []) {
    if (!/^[0-9a-f]{64}$/.test(sha256))
      problems.push(`[artifacts.${name}.sha256] must be 64 lower-case hexadecimal digits`);
    for (const path of Object.keys(install)) checkPath(path, problems);
    if (mode !== undefined) checkMode(`artifacts.${name}`, mode, problems);
    if (folder !== undefined) checkPath(folder, problems);
  }
  for (const { name } of bundle.units ?? []) {
    if (!/^[A-Za-z0-9:_.\\@-]+\.(service|mount|target|socket|timer|path)$/.test(name)) {
      problems.push(`[units] holds ${JSON.stringify(name)}, which is not a unit's full name, as etcd.service`);
    }
  }
  for (const path of bundle.data ?? []) {
    checkPath(path, problems);
    if (path.split("/").length < 4)
      problems.push(`[data] holds ${path}, which is too near the root to be deleted with all it holds`);
  }
  failAll("the bundle is refused and nothing was changed:", problems);
  return bundle;
}

function checkMode(of: string, mode: string, problems: string[]): void {
  if (!/^0[0-7]{3}$/.test(mode))
    problems.push(`[${of}] has mode ${JSON.stringify(mode)}; write four octal digits, as 0644`);
}

function checkPath(path: string, problems: string[]): void {
  if (!posix.isAbsolute(path) || posix.normalize(path) !== path || path.endsWith("/")) {
    problems.push(`[${path}] must be an absolute path without "..", "//" or a slash at the end`);
  }
}
