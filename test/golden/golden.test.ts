import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { examples, renderExample } from "./rendered.ts";

const folder = join(import.meta.dirname, "sites");

function committed(example: string): Record<string, string> {
  const root = join(folder, example);
  if (!existsSync(root)) return {};
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(root.length + 1), readFileSync(path, "utf8")];
    }),
  );
}

describe("the files of the committed stacks are those under test/golden/sites; if they are meant to change, run `npm run golden`", () => {
  it("for these stacks", () => {
    expect(readdirSync(folder).sort()).toEqual(examples);
  });

  it.each(examples)("%s", (example) => {
    expect(renderExample(example)).toEqual(committed(example));
  });
});
