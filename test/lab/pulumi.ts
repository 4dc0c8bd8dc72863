import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { cachePath } from "./cache.ts";
import type { Toolchain } from "./toolchain.ts";

const checkout = join(import.meta.dirname, "..", "..");
const standIn = join(import.meta.dirname, "command-plugin", "bin");

/** Environment for the pulumi CLI: no network but the site's, and state as files under `stateFolder`. */
export function pulumiEnvironment(toolchain: Toolchain, stateFolder: string): NodeJS.ProcessEnv {
  const home = cachePath("pulumi-home");
  mkdirSync(home, { recursive: true });
  mkdirSync(stateFolder, { recursive: true });
  const path = [...toolchain.path, join(checkout, "node_modules", ".bin")];
  if (!hasCommandPlugin(home)) path.push(standIn);
  return {
    ...process.env,
    PATH: [...path, process.env.PATH].join(delimiter),
    PULUMI_HOME: home,
    PULUMI_BACKEND_URL: `file://${stateFolder}`,
    // State of a lab whose keys are worth nothing outside it.
    PULUMI_CONFIG_PASSPHRASE: "lab",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true",
  };
}

/** Whether the plugin that the npm package @pulumi/command belongs to is installed. */
function hasCommandPlugin(home: string): boolean {
  const manifest = join(checkout, "node_modules", "@pulumi", "command", "package.json");
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { version: string };
  return existsSync(join(home, "plugins", `resource-command-v${version}`));
}
