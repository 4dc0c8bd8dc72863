import { existsSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cachePath, fingerprint, scratchFolder } from "./cache.ts";
import { downloadPackages } from "./debian.ts";
import { CommandError, run } from "./process.ts";
import { step } from "./progress.ts";

export interface Kernel {
  /** Folder to chroot into: /linux.uml and the libraries it needs, with empty mount points. */
  chroot: string;
  /** Folder that holds the kernel's modules, one folder per release. */
  modules: string;
  /** What `uname -r` says in a guest. */
  release: string;
}

// User Mode Linux of sid knows seccomp mode, five times faster at fork and exec than the stable releases' ptrace mode.
// It is linked against a newer C library than the host may have, hence the chroot with that library.
const packages = ["user-mode-linux", "libc6", "libgcc-s1"];
const libraries = ["ld-linux-x86-64.so.2", "libc.so.6", "libgcc_s.so.1"];

/** Starts the kernel in its chroot; the script tells its arguments. */
export const umlScript = join(import.meta.dirname, "uml", "start.sh");
/** Mends what the kernel does wrong; the file tells. */
const interrupts = join(import.meta.dirname, "uml", "interrupts.c");

/** The User Mode Linux kernel. The caller holds the build lock. */
export async function ensureKernel(): Promise<Kernel> {
  const folder = cachePath(`kernel-${fingerprint(...packages, ...libraries, await readFile(interrupts, "utf8"))}`);
  if (!(await kernelRelease(folder))) {
    await step("download the User Mode Linux kernel", async () => {
      await rm(folder, { recursive: true, force: true });
      const scratch = scratchFolder("kernel");
      const unpacked = `${scratch}/unpacked`;
      for (const file of await downloadPackages("sid", packages, `${scratch}/apt`))
        await run(["dpkg-deb", "-x", file, unpacked]);
      await assemble(unpacked, `${scratch}/kernel`);
      await rename(`${scratch}/kernel`, folder);
      await rm(scratch, { recursive: true });
    });
  }
  const release = await kernelRelease(folder);
  if (!release)
    throw new Error(`the User Mode Linux kernel in ${folder} does not run: delete the folder and try again`);
  return { chroot: `${folder}/root`, modules: `${folder}/modules`, release };
}

async function assemble(unpacked: string, kernel: string): Promise<void> {
  const root = `${kernel}/root`;
  for (const name of ["dev", "proc", "tmp", "lab", "etc", "lib64", "lib/x86_64-linux-gnu"])
    await mkdir(`${root}/${name}`, { recursive: true });
  await cp(`${unpacked}/usr/bin/linux.uml`, `${root}/linux.uml`);
  for (const name of libraries) {
    const target = name.startsWith("ld-") ? `${root}/lib64/${name}` : `${root}/lib/x86_64-linux-gnu/${name}`;
    await cp(`${unpacked}/usr/lib/x86_64-linux-gnu/${name}`, target, { dereference: true });
  }
  await writeFile(`${root}/etc/hosts`, "127.0.0.1 localhost\n");
  await run(["gcc", "-O2", "-shared", "-fPIC", "-o", `${root}/interrupts.so`, interrupts]);
  await writeFile(`${root}/etc/ld.so.preload`, "/interrupts.so\n");
  await cp(`${unpacked}/usr/lib/uml/modules`, `${kernel}/modules`, { recursive: true });
}

async function kernelRelease(folder: string): Promise<string | undefined> {
  if (!existsSync(`${folder}/root/linux.uml`)) return undefined;
  try {
    const { stdout } = await run(["unshare", "-m", umlScript, "/dev/null", `${folder}/root`, folder, "--version"]);
    const release = stdout.trim();
    return (await readdir(`${folder}/modules`)).includes(release) ? release : undefined;
  } catch (error) {
    if (error instanceof CommandError) return undefined;
    throw error;
  }
}
