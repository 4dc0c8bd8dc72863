import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/**
 * One program for a node out of an entry file and all it imports, as the text of an ES module for Node 18. The same sources
 * give the same text on every machine.
 * @param entry below components/, as `cli/main.ts`
 */
export function bundle(entry: string): string {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const { outputFiles } = buildSync({
    // Relative, because esbuild writes the paths of the modules as comments.
    absWorkingDir: root,
    entryPoints: [`components/${entry}`],
    bundle: true,
    platform: "node",
    target: "node18",
    format: "esm",
    charset: "utf8",
    // What receives it can tell that it is whole.
    footer: { js: "// end of the program" },
    write: false,
    logLevel: "silent",
  });
  const text = outputFiles[0]?.text;
  if (text === undefined) throw new Error(`esbuild gave no output for components/${entry}`);
  return text;
}
