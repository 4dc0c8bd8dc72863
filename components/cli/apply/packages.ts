import { stat } from "node:fs/promises";
import { lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import { at, type Machine } from "./machine.ts";

export async function missingPackages(machine: Machine, packages: readonly string[]): Promise<string[]> {
  const missing: string[] = [];
  for (const name of packages) {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
    const ended = await machine.run(["dpkg-query", "--show", "--showformat", "${db:Status-Status}", name], {
      timeoutMs: 30_000,
    });
    if (ended.code !== 0 || ended.stdout !== "installed") missing.push(name);
  }
  return missing;
}

/** Written by bootstrap.sh for a bundle that has packages. */
const BUNDLE_LIST = "/usr/local/lib/tandem/bundle.list";
/** What apt knows of them, apart from what it knows of the machine's own sources. */
const BUNDLE_LISTS = "/var/cache/tandem/lists";

/** Installs what is missing, from the bundle's packages where it has any, else from the machine's own package sources. */
export async function ensurePackages(machine: Machine, packages: readonly string[]): Promise<string[]> {
  const missing = await missingPackages(machine, packages);
  if (missing.length === 0) return [];
  const env = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };
  const isFromBundle = await isThere(machine, BUNDLE_LIST);
  const bundle = [
    "-o",
    `Dir::Etc::SourceList=${at(machine, BUNDLE_LIST)}`,
    "-o",
    "Dir::Etc::SourceParts=-",
    "-o",
    `Dir::State::Lists=${at(machine, BUNDLE_LISTS)}`,
  ];
  const common = [
    ...(isFromBundle ? bundle : []),
    "--quiet",
    "--yes",
    "-o",
    "DPkg::Lock::Timeout=120",
    "-o",
    "Acquire::Retries=2",
    "-o",
    "Acquire::http::Timeout=20",
  ];
  const install = () =>
    machine.run(["apt-get", "install", ...common, "--no-install-recommends", "--no-remove", ...missing], {
      timeoutMs: 400_000,
      env,
    });
  const update = () => machine.run(["apt-get", "update", ...common], { timeoutMs: 120_000, env });
  if (isFromBundle) await update();
  let ended = await install();
  if (ended.code !== 0 && !isFromBundle) {
    // Lists may be older than the mirror; asked only now, because a machine behind a closed network has them as good as they get.
    await update();
    ended = await install();
  }
  if (ended.code !== 0) {
    const said = `${ended.stdout}${ended.stderr}`;
    const advice = said.includes("remove is disabled")
      ? "packages of this machine stand in the way, and Tandem removes none: see `apt-get install --simulate " +
        `${missing.join(" ")}\` for which, remove them if nobody needs them, and run this again`
      : isFromBundle
        ? "add them and all that they depend on to the folder `packages` of artifacts.bundle, make its index anew, and run this again"
        : "make the package sources of this machine reachable, or install them by hand from your own media, and run this again";
    throw new Failure(`apt-get could not install ${missing.join(", ")}; ${advice}${lastLines(said)}`);
  }
  machine.step();
  return missing;
}

/** Loads kernel modules. @returns those that were not loaded before */
export async function ensureModules(machine: Machine, modules: readonly string[]): Promise<string[]> {
  const loaded: string[] = [];
  for (const name of modules) {
    if (await isLoaded(machine, name)) continue;
    const ended = await machine.run(["modprobe", name], { timeoutMs: 60_000 });
    if (ended.code !== 0 || !(await isLoaded(machine, name))) {
      throw new Failure(
        `the kernel module ${name} cannot be loaded; install the package that brings it for the running kernel ` +
          `(see \`uname -r\`), reboot if the kernel was upgraded, and run this again${lastLines(ended.stderr)}`,
      );
    }
    loaded.push(name);
    machine.step();
  }
  return loaded;
}

function isLoaded(machine: Machine, name: string): Promise<boolean> {
  return isThere(machine, `/sys/module/${name.replaceAll("-", "_")}`);
}

async function isThere(machine: Machine, path: string): Promise<boolean> {
  return stat(at(machine, path)).then(
    () => true,
    () => false,
  );
}
