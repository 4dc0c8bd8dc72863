import { mkdir, readdir, writeFile } from "node:fs/promises";
import { run } from "./process.ts";

export const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";

/** The Debian archive that this machine's own apt uses. */
export async function debianMirror(): Promise<string> {
  const { stdout } = await run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(SITE)"]);
  const mirror = stdout.split("\n").find((line) => line.startsWith("Debian Debian "));
  if (!mirror)
    throw new Error('apt on this machine has no package lists of a Debian archive: run "apt-get update" first');
  return mirror.split(" ")[2] as string;
}

/** Downloads packages of any suite into `folder`, with an apt configuration of their own; returns the .deb files. */
export async function downloadPackages(suite: string, names: string[], folder: string): Promise<string[]> {
  await mkdir(`${folder}/lists/partial`, { recursive: true });
  await mkdir(`${folder}/cache/archives/partial`, { recursive: true });
  await writeFile(`${folder}/status`, "");
  await writeFile(`${folder}/sources.list`, `deb [signed-by=${keyring}] ${await debianMirror()} ${suite} main\n`);
  await writeFile(
    `${folder}/apt.conf`,
    [
      `Dir::State::Lists "${folder}/lists";`,
      `Dir::State::status "${folder}/status";`,
      `Dir::Cache "${folder}/cache";`,
      `Dir::Etc::SourceList "${folder}/sources.list";`,
      'Dir::Etc::SourceParts "/dev/null";',
      'APT::Sandbox::User "root";',
    ].join("\n"),
  );
  const options = { env: { ...process.env, APT_CONFIG: `${folder}/apt.conf` }, cwd: folder, timeoutMs: 300_000 };
  await run(["apt-get", "-qq", "update"], options);
  await run(["apt-get", "-qq", "download", ...names], options);
  return (await readdir(folder)).filter((file) => file.endsWith(".deb")).map((file) => `${folder}/${file}`);
}
