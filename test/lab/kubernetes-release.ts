import { chmod, copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { ControlPlaneProgram } from "../../components/config/kubernetes-config.ts";
import { expectOutput, type GoTools, sha256, wrapper } from "./go-tools.ts";

const version = "1.34.4";
type Program = ControlPlaneProgram | "kubelet";
const programs: readonly Program[] = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kubectl",
  "kubelet",
];

/** The programs of one release, as a site's configuration names them. */
export interface KubernetesRelease {
  /** With its v. */
  version: string;
  sha256: Record<Program, string>;
}

const versionPackage = "k8s.io/component-base/version";
const [major, minor] = version.split(".");

export const kubernetesTools: GoTools = {
  ...wrapper("kubernetes"),
  version,
  programs: Object.fromEntries(programs.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])),
  ldflags: [`gitVersion=v${version}`, `gitMajor=${major}`, `gitMinor=${minor}`]
    .map((value) => `-X ${versionPackage}.${value}`)
    .join(" "),
  verify: async (folder) => {
    for (const name of programs) {
      const argv = name === "kubectl" ? ["version", "--client"] : ["--version"];
      await expectOutput([join(folder, name), ...argv], new RegExp(`v${version.replaceAll(".", "\\.")}$`, "m"));
    }
  },
};

/** Puts the programs where a site without a way out has them: in a folder of the bundle named after the release. */
export async function placeKubernetesRelease(built: string, bundle: string): Promise<KubernetesRelease> {
  const folder = join(bundle, `kubernetes-v${version}`);
  const sums: [Program, string][] = [];
  await mkdir(folder, { recursive: true });
  for (const name of programs) {
    const [from, to] = [join(built, name), join(folder, name)];
    sums.push([name, await sha256(from)]);
    const there = await stat(to).catch(() => undefined);
    if (there?.size === (await stat(from)).size && (await sha256(to)) === sums.at(-1)?.[1]) continue;
    await rm(`${to}.new`, { force: true });
    await copyFile(from, `${to}.new`);
    await chmod(`${to}.new`, 0o755);
    await rename(`${to}.new`, to);
  }
  return { version: `v${version}`, sha256: Object.fromEntries(sums) as KubernetesRelease["sha256"] };
}
