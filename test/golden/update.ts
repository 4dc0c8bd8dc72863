import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { examples, renderExample } from "./rendered.ts";

/** `npm run golden`: renders the files of every committed stack anew; the diff is what a reviewer reads. */
const folder = join(import.meta.dirname, "sites");
rmSync(folder, { recursive: true, force: true });
for (const example of examples) {
  for (const [path, text] of Object.entries(renderExample(example))) {
    const file = join(folder, example, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
