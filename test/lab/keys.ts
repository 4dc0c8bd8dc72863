import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { cachePath, scratchFolder } from "./cache.ts";
import { run } from "./process.ts";

export interface LabKeys {
  /** File of the private key that opens root on every guest. */
  clientKeyFile: string;
  clientPublicKey: string;
  /** File of the private host key that every guest has. */
  hostKeyFile: string;
  /** `ssh-ed25519 AAAA...` */
  hostPublicKey: string;
}

/** The lab's own keys, made once per cache and worth nothing outside it. The caller holds the build lock. */
export async function ensureKeys(): Promise<LabKeys> {
  const folder = cachePath("keys");
  if (!existsSync(folder)) {
    await mkdir(cachePath(), { recursive: true });
    const scratch = scratchFolder("keys");
    for (const name of ["client", "host"])
      await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", `lab-${name}`, "-f", `${scratch}/${name}`]);
    await rename(scratch, folder);
  }
  const publicKey = async (name: string) =>
    (await readFile(`${folder}/${name}.pub`, "utf8")).split(" ").slice(0, 2).join(" ");
  return {
    clientKeyFile: `${folder}/client`,
    clientPublicKey: await publicKey("client"),
    hostKeyFile: `${folder}/host`,
    hostPublicKey: await publicKey("host"),
  };
}
