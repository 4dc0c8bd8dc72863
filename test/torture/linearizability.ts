import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fingerprint, withLock } from "../lab/cache.ts";
import { ensureGoTools } from "../lab/go-tools.ts";
import { run } from "../lab/process.ts";

/** What the checker in Go, which uses porcupine, says of a history. */
export interface Judgement {
  operations: number;
  /** `Unknown` is a history that could not be decided in time. */
  verdicts: Record<"store" | "register" | "pair", "Ok" | "Illegal" | "Unknown">;
}

const source = join(import.meta.dirname, "checker");

/** The path of the checker, built if its source is new. */
export function ensureChecker(): Promise<string> {
  return withLock("build", async () => {
    const files = (await readdir(source)).sort();
    const texts = await Promise.all(files.map((file) => readFile(join(source, file), "utf8")));
    const folder = await ensureGoTools({
      module: "checker",
      source,
      version: fingerprint(...files, ...texts),
      programs: { checker: "." },
      ldflags: "",
      verify: async (built) => {
        await run([join(built, "checker"), "-help"]);
      },
    });
    return join(folder, "checker");
  });
}

/**
 * @param history as test/e2e/load writes it
 * @param pictures folder for pictures of what is not linearizable
 */
export async function judgeHistory(checker: string, history: string, pictures: string): Promise<Judgement> {
  await mkdir(pictures, { recursive: true });
  const { stdout } = await run([checker, "-pictures", pictures], { input: history, timeoutMs: 900_000 });
  return JSON.parse(stdout) as Judgement;
}
