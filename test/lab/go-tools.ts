import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cachePath, scratchFolder } from "./cache.ts";
import { run } from "./process.ts";
import { type Note, step } from "./progress.ts";

/** Programs built from one Go module, whose go.sum fixes every dependency. */
export interface GoTools {
  module: string;
  /** Where the module lies. */
  source: string;
  version: string;
  /** Go packages by the name of the program that each becomes. */
  programs: Record<string, string>;
  ldflags: string;
  /** Throws unless the programs in the folder run and are of this version. */
  verify: (folder: string) => Promise<void>;
}

/** The two first fields for a module that lies under go/. */
export const wrapper = (module: string) => ({ module, source: join(import.meta.dirname, "go", module) });

/** The folder of the programs. The caller holds the build lock. */
export async function ensureGoTools(tools: GoTools): Promise<string> {
  const folder = cachePath("tools", `${tools.module}-${tools.version}`);
  if (existsSync(folder)) {
    const sound = await tools.verify(folder).then(
      () => true,
      () => false,
    );
    if (sound) return folder;
    await rm(folder, { recursive: true });
  }
  await step(`build ${Object.keys(tools.programs).join(", ")} ${tools.version} from Go modules`, async (note) => {
    const scratch = scratchFolder(`tools-${tools.module}`);
    for (const [program, source] of Object.entries(tools.programs))
      await goBuild(tools, program, source, scratch, note);
    await tools.verify(scratch);
    await mkdir(dirname(folder), { recursive: true });
    await rename(scratch, folder);
  });
  return folder;
}

async function goBuild(tools: GoTools, program: string, source: string, folder: string, note: Note): Promise<void> {
  note(program);
  await run(
    [
      "nice",
      "go",
      "build",
      "-trimpath",
      "-buildvcs=false",
      "-ldflags",
      `-s -w ${tools.ldflags}`,
      "-o",
      join(folder, program),
      source,
    ],
    {
      cwd: tools.source,
      env: { ...process.env, CGO_ENABLED: "0" },
      timeoutMs: 30 * 60_000,
      onOutput: (text) => note(`${program}: ${text.trim().split("\n").at(-1)}`),
    },
  ).catch((error: Error) => {
    if (/did not start/.test(error.message))
      throw new Error(
        `${program} ${tools.version} is built from its Go modules, and there is no "go" on PATH: install Go 1.26 or newer`,
      );
    throw error;
  });
}

export async function expectOutput(argv: string[], pattern: RegExp): Promise<void> {
  const { stdout, stderr } = await run(argv, { timeoutMs: 20_000, check: false });
  if (!pattern.test(stdout) && !pattern.test(stderr))
    throw new Error(
      `${argv.join(" ")} printed ${JSON.stringify((stdout || stderr).slice(0, 200))}, expected ${pattern}`,
    );
}

export async function sha256(file: string): Promise<string> {
  const { stdout } = await run(["sha256sum", file]);
  return stdout.slice(0, 64);
}
