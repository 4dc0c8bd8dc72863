import type { ChildProcess } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import type { Lab } from "./lab.ts";
import type { RunOptions, RunResult } from "./process.ts";

const checkout = join(import.meta.dirname, "..", "..");
const stack = "lab";

/** The lab's site as a Pulumi stack. */
export interface LabStack {
  /** The effective configuration: stacks/Pulumi.lab.yaml with what this machine made filled in. */
  readonly configFile: string;
  /** Runs the CLI on the lab's network; `--stack` and the configuration are given. */
  pulumi(args: readonly string[], options?: RunOptions): Promise<RunResult>;
  /** The same as a child process, for who wants to interrupt it. */
  start(args: readonly string[]): ChildProcess;
  /** A stack output as plain text, secret or not. */
  output(name: string): Promise<string>;
  /** Changes `tandem:site` of the effective configuration. */
  change(edit: (site: Site) => void): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: a test may change any value of a configuration
export type Site = Record<string, any>;

/** Puts the stack of the lab's site together, in the lab's folder; nothing is applied yet. */
export async function labStack(lab: Lab): Promise<LabStack> {
  const configFile = join(lab.folder, `Pulumi.${stack}.yaml`);
  await writeFile(configFile, await readFile(join(checkout, "stacks", `Pulumi.${stack}.yaml`)));
  const change = async (edit: (site: Site) => void) => {
    const file = parse(await readFile(configFile, "utf8"));
    edit(file.config["tandem:site"]);
    await writeFile(configFile, stringify(file));
  };
  await change((site) => {
    for (const machine of [...site.nodes, site.witness]) machine.hostKey = lab.hostKey;
    const { etcdRelease, kubernetesRelease } = lab.toolchain;
    site.datastore.etcd = { version: etcdRelease.version, sha256: etcdRelease.sha256 };
    if (kubernetesRelease)
      site.kubernetes = { distribution: "upstream", vip: "10.77.1.10/24", interface: "vec0", ...kubernetesRelease };
    // Set below; pulumi would try to decrypt what stands for it here.
    delete site.ssh.privateKey;
  });

  const argv = ["pulumi", "--non-interactive", "-C", checkout];
  const cli = (args: readonly string[], options: RunOptions = {}) =>
    lab.exec([...argv, ...args], { timeoutMs: 900_000, ...options, env: lab.pulumiEnv() });
  await cli(["stack", "init", stack, "--no-select"]);
  const key = await readFile(lab.privateKey, "utf8");
  const set = ["config", "set", "--stack", stack, "--config-file", configFile, "--secret", "--path"];
  await cli([...set, "tandem:site.ssh.privateKey"], { input: key });
  const ofStack = ([verb = "", ...args]: readonly string[]) => [
    verb,
    "--stack",
    stack,
    "--config-file",
    configFile,
    ...args,
  ];
  return {
    configFile,
    change,
    pulumi: (args, options) => cli(ofStack(args), options),
    output: async (name) => (await cli(["stack", "output", "--stack", stack, "--show-secrets", name])).stdout,
    start: (args) => lab.spawn([...argv, ...ofStack(args)], { env: lab.pulumiEnv() }),
  };
}
