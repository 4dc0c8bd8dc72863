import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cachePath } from "./cache.ts";
import type { Toolchain } from "./toolchain.ts";

const checkout = join(import.meta.dirname, "..", "..");
const standIn = join(import.meta.dirname, "command-plugin", "bin");

/** Environment for the pulumi CLI: no network but the site's, and state as files under `stateFolder`. */
export function pulumiEnvironment(toolchain: Toolchain, stateFolder: string): NodeJS.ProcessEnv {
  mkdirSync(stateFolder, { recursive: true });
  const path = [...toolchain.path, join(checkout, "node_modules", ".bin")];
  if (!hasCommandPlugin()) path.push(standIn);
  return {
    ...process.env,
    PATH: [...path, process.env.PATH].join(delimiter),
    PULUMI_HOME: pulumiHome(),
    PULUMI_BACKEND_URL: `file://${stateFolder}`,
    // State of a lab whose keys are worth nothing outside it.
    PULUMI_CONFIG_PASSPHRASE: "lab",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** Folder of pulumi's plugins and settings, apart from those of the user. */
export function pulumiHome(): string {
  const home = cachePath("pulumi-home");
  mkdirSync(home, { recursive: true });
  return home;
}

/** The version of the npm package @pulumi/command, which is its plugin's too. */
export function commandPluginVersion(): string {
  const manifest = join(checkout, "node_modules", "@pulumi", "command", "package.json");
  return (JSON.parse(readFileSync(manifest, "utf8")) as { version: string }).version;
}

export function hasCommandPlugin(): boolean {
  return existsSync(join(pulumiHome(), "plugins", `resource-command-v${commandPluginVersion()}`));
}
