import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RULES } from "../../components/arbiter/agent/rules.ts";
import type { Hunt } from "./hunt.ts";
import { MUTATIONS } from "./mutations/all.ts";
import type { Mutation } from "./mutations/mutation.ts";

const ROOT = join(import.meta.dirname, "../..");
const LIMIT_MS = 60 * 60_000;

interface Case {
  name: string;
  source: string;
  covered?: string | undefined;
  edit?: Mutation;
  /** Index in the table of rules. */
  rule?: number;
}

const CASES: readonly Case[] = [
  ...RULES.map((rule, index): Case => ({ name: `without the rule: ${rule.reason}`, source: rule.source, rule: index })),
  ...MUTATIONS.map((edit): Case => ({ name: edit.name, source: edit.source, covered: edit.covered, edit })),
];

/**
 * Switches off one thing after the other and lets hunt.ts look for the harm.
 * @param only part of the names to try
 * @returns whether each was caught, or is covered as the table says
 */
export async function mutate(threads: number, only: string): Promise<boolean> {
  const cases = CASES.filter(({ name, source }) => `${name} ${source}`.includes(only));
  const wrong: string[] = [];
  const queue = [...cases];
  const one = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const begun = performance.now();
      const { caught, states } = await hunted(next);
      const cost = `${states} states, ${((performance.now() - begun) / 1000).toFixed(0)} s`;
      const [mark, verdict] = judged(next, caught);
      console.log(`${mark} ${next.name} (${next.source}): ${verdict} (${cost})`);
      if (mark === "✗") wrong.push(next.name);
    }
  };
  await Promise.all(Array.from({ length: threads }, one));
  console.log(`\n${cases.length} switched off, ${cases.length - wrong.length} caught or covered as the table says`);
  return wrong.length === 0;
}

/** A guard that is said to be covered by another and is missed after all is wrong as well. */
function judged({ covered }: Case, caught: Hunt["caught"]): ["✓" | "·" | "✗", string] {
  if (caught === null) return covered === undefined ? ["✗", "NOT CAUGHT"] : ["·", `covered by ${covered}`];
  const found = `${caught.by}: ${caught.what.slice(0, 90)}`;
  return covered === undefined ? ["✓", `caught by ${found}`] : ["✗", `NOT COVERED as the table says: ${found}`];
}

async function hunted({ edit, rule }: Case): Promise<Hunt> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-mutation-"));
  try {
    for (const part of ["components/arbiter/agent", "test/simulation"]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    if (edit !== undefined) apply(folder, edit);
    const argv = [join(folder, "test/simulation/hunt.ts"), ...(rule === undefined ? [] : [String(rule)])];
    return JSON.parse(await output(argv)) as Hunt;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function apply(folder: string, { file, from, to, name }: Mutation): void {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  const places = text.split(from).length - 1;
  if (places !== 1) throw new Error(`"${name}": ${file} has ${places} places like this instead of one:\n${from}`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
}

function output(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, { timeout: LIMIT_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
}
