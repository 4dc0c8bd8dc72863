import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { scratchFolder } from "./cache.ts";
import { ensureGoTools, expectOutput, wrapper } from "./go-tools.ts";
import { run } from "./process.ts";

/** One image for the pause container, which it is without arguments, and for pods, with `serve`. */
export const containerImage = "tandem.test/lab:1";
/** On the guests. */
export const containerArchive = "/opt/bundle/images/tandem-lab.tar";

const program = "container";
const sorted = ["--sort=name", "--mtime=@0", "--owner=0", "--group=0", "--numeric-owner"];

/** Puts the image into the bundle as `docker save` would write it, the same bytes for the same program. The caller holds the build lock. */
export async function ensureContainerImage(bundle: string): Promise<void> {
  const built = await ensureGoTools({
    ...wrapper(program),
    version: "1",
    programs: { [program]: "." },
    ldflags: "",
    verify: (folder) => expectOutput(["go", "version", "-m", join(folder, program)], /tandem\.test\/lab\/container/),
  });
  const scratch = scratchFolder("container-image");
  await mkdir(join(scratch, "root"));
  await mkdir(join(scratch, "image"));
  await copyFile(join(built, program), join(scratch, "root", program));
  await run(["tar", ...sorted, "-C", join(scratch, "root"), "-cf", join(scratch, "image", "layer.tar"), program]);
  const layer = createHash("sha256")
    .update(await readFile(join(scratch, "image", "layer.tar")))
    .digest("hex");
  const config = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: { Entrypoint: [`/${program}`] },
    rootfs: { type: "layers", diff_ids: [`sha256:${layer}`] },
    history: [],
  });
  const configFile = `${createHash("sha256").update(config).digest("hex")}.json`;
  await writeFile(join(scratch, "image", configFile), config);
  const manifest = [{ Config: configFile, RepoTags: [containerImage], Layers: ["layer.tar"] }];
  await writeFile(join(scratch, "image", "manifest.json"), JSON.stringify(manifest));
  await run(["tar", ...sorted, "-C", join(scratch, "image"), "-cf", join(scratch, "image.tar"), "."]);
  const archive = join(bundle, containerArchive.slice("/opt/bundle/".length));
  await mkdir(join(archive, ".."), { recursive: true });
  await rename(join(scratch, "image.tar"), archive);
  await rm(scratch, { recursive: true });
}
