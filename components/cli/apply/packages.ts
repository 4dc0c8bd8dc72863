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

/** Installs what is missing from the machine's own package sources. */
export async function ensurePackages(machine: Machine, packages: readonly string[]): Promise<string[]> {
  const missing = await missingPackages(machine, packages);
  if (missing.length === 0) return [];
  const env = { DEBIAN_FRONTEND: "noninteractive", NEEDRESTART_SUSPEND: "1" };
  const common = [
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
    machine.run(["apt-get", "install", ...common, "--no-install-recommends", ...missing], { timeoutMs: 400_000, env });
  let ended = await install();
  if (ended.code !== 0) {
    // Lists may be older than the mirror; asked only now, because a machine behind a closed network has them as good as they get.
    await machine.run(["apt-get", "update", ...common], { timeoutMs: 120_000, env });
    ended = await install();
  }
  if (ended.code !== 0) {
    throw new Failure(
      `apt-get could not install ${missing.join(", ")}; make the package sources of this machine reachable, or install ` +
        `them by hand from your own media, and run this again${lastLines(`${ended.stdout}${ended.stderr}`)}`,
    );
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

async function isLoaded(machine: Machine, name: string): Promise<boolean> {
  return stat(at(machine, `/sys/module/${name.replaceAll("-", "_")}`)).then(
    () => true,
    () => false,
  );
}
