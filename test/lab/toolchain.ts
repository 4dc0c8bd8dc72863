import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { cachePath, scratchFolder, withLock } from "./cache.ts";
import { ensureContainerImage } from "./container-image.ts";
import { ensureGoTools, expectOutput, type GoTools, sha256, wrapper } from "./go-tools.ts";
import { type KubernetesRelease, kubernetesTools, placeKubernetesRelease } from "./kubernetes-release.ts";
import { run } from "./process.ts";
import { say, step } from "./progress.ts";
import { commandPluginVersion, hasCommandPlugin, pulumiHome } from "./pulumi.ts";

const pulumi: GoTools = {
  ...wrapper("pulumi"),
  version: "3.259.0",
  programs: { pulumi: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi" },
  ldflags: "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=3.259.0",
  verify: (folder) => expectOutput([join(folder, "pulumi"), "version"], /^v?3\.259\.0\s*$/),
};

// The last version of the language host that is a Go module; it serves newer CLIs and SDKs as well.
const languageHost: GoTools = {
  ...wrapper("pulumi-language-nodejs"),
  version: "3.60.0",
  programs: { "pulumi-language-nodejs": "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs" },
  ldflags: "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=3.60.0",
  // It has no version command: its module is read from the file, and its flags from a run.
  verify: async (folder) => {
    const program = join(folder, "pulumi-language-nodejs");
    await expectOutput(["go", "version", "-m", program], /pulumi\/sdk\/v3\s+v3\.60\.0/);
    await expectOutput([program, "-help"], /Usage of/);
  },
};

const etcdVersion = "3.5.35";
const etcd: GoTools = {
  ...wrapper("etcd"),
  version: etcdVersion,
  programs: {
    etcd: "go.etcd.io/etcd/server/v3",
    etcdctl: "go.etcd.io/etcd/etcdctl/v3",
    etcdutl: "go.etcd.io/etcd/etcdutl/v3",
  },
  ldflags: "",
  verify: async (folder) => {
    await expectOutput([join(folder, "etcd"), "--version"], /^etcd Version: 3\.5\.35$/m);
    await expectOutput([join(folder, "etcdctl"), "version"], /^etcdctl version: 3\.5\.35$/m);
    await expectOutput([join(folder, "etcdutl"), "version"], /^etcdutl version: 3\.5\.35$/m);
  },
};

export interface Toolchain {
  /** Folders for the front of PATH: pulumi with its language host, and the etcd programs. */
  path: string[];
  /** Folder that guests see as /opt/bundle: release archives as an air-gapped site would have them. */
  bundle: string;
  etcdRelease: { version: string; file: string; sha256: string };
  /** Only where it was asked for. */
  kubernetesRelease?: KubernetesRelease;
}

/**
 * Builds what is missing, one thing after the other; everything is run once before it is trusted.
 * @param kubernetes whether sites with Kubernetes are to be built, which takes some minutes the first time
 */
export function ensureToolchain({ kubernetes = false } = {}): Promise<Toolchain> {
  return withLock("build", async () => {
    const etcdFolder = await ensureGoTools(etcd);
    const path = [...(await pulumiFolders()), etcdFolder];
    await ensureCommandPlugin(path);
    const bundle = cachePath(kubernetes ? "bundle-kubernetes" : "bundle");
    await mkdir(bundle, { recursive: true });
    const etcdRelease = await packEtcdRelease(etcdFolder, bundle);
    if (!kubernetes) return { path, bundle, etcdRelease };
    const programs = await ensureGoTools(kubernetesTools);
    const kubernetesRelease = await placeKubernetesRelease(programs, bundle);
    await ensureContainerImage(bundle);
    return { path: [...path, programs], bundle, etcdRelease, kubernetesRelease };
  });
}

/** The folder of Kubernetes' own programs, kubelet among them. */
export function ensureKubernetes(): Promise<string> {
  return withLock("build", () => ensureGoTools(kubernetesTools));
}

/** Folders of a pulumi built here; none if the one on PATH is complete and new enough. */
async function pulumiFolders(): Promise<string[]> {
  const found = await run(["pulumi", "version"], { check: false }).catch(() => undefined);
  const [major, minor] = (found?.stdout.trim().replace(/^v/, "") ?? "").split(".").map(Number);
  const host = await run(["sh", "-c", "command -v pulumi-language-nodejs"], { check: false });
  if (major === 3 && minor !== undefined && minor >= 259 && host.code === 0) return [];
  return [await ensureGoTools(pulumi), await ensureGoTools(languageHost)];
}

/**
 * Lets pulumi install the plugin that the npm package @pulumi/command belongs to. Where it cannot be downloaded, which
 * is tried once a day, the lab works with its stand-in.
 */
async function ensureCommandPlugin(path: string[]): Promise<void> {
  const noteFile = cachePath("command-plugin-unavailable");
  const triedMs = (await stat(noteFile).catch(() => undefined))?.mtimeMs ?? 0;
  if (hasCommandPlugin() || Date.now() - triedMs < 24 * 3_600_000) return;
  const argv = ["pulumi", "plugin", "install", "resource", "command", commandPluginVersion()];
  const PATH = [...path, process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH, PULUMI_HOME: pulumiHome(), PULUMI_SKIP_UPDATE_CHECK: "true" };
  const { code, stderr } = await run(argv, { env, check: false, timeoutMs: 300_000 });
  if (code === 0) return;
  say(`  the command plugin cannot be downloaded, its stand-in serves: ${stderr.trim().split("\n").at(-1)}`);
  await writeFile(noteFile, stderr);
}

/** An archive with the layout of an official etcd release; the same bytes for the same programs. */
async function packEtcdRelease(programs: string, bundle: string): Promise<Toolchain["etcdRelease"]> {
  const name = `etcd-v${etcdVersion}-linux-amd64`;
  const file = join(bundle, `${name}.tar.gz`);
  const record = `${cachePath("tools", `etcd-${etcdVersion}`)}/${name}.sha256`;
  const recorded = await readFile(record, "utf8").catch(() => "");
  if (existsSync(file) && (await sha256(file)) === recorded) return { version: etcdVersion, file, sha256: recorded };
  return step(`pack ${name}.tar.gz`, async () => {
    const scratch = scratchFolder("etcd-release");
    await mkdir(join(scratch, name));
    for (const program of Object.keys(etcd.programs)) {
      await copyFile(join(programs, program), join(scratch, name, program));
      await chmod(join(scratch, name, program), 0o755);
    }
    const order = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];
    await run(["tar", ...order, "-C", scratch, "-cf", join(scratch, "release.tar"), name]);
    await run(["gzip", "-n", join(scratch, "release.tar")]);
    await rename(join(scratch, "release.tar.gz"), file);
    await rm(scratch, { recursive: true });
    await writeFile(record, await sha256(file));
    return { version: etcdVersion, file, sha256: await sha256(file) };
  });
}
