import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RULES } from "../../components/arbiter/agent/rules.ts";
import type { Hunt, Order } from "./hunt.ts";
import { MUTATIONS, PARTS } from "./mutations/all.ts";
import type { Cover, Mutation } from "./mutations/mutation.ts";

const ROOT = join(import.meta.dirname, "../..");
const LIMIT_MS = 60 * 60_000;

/** One thing to switch off: a rule of the table, or a guard. */
export interface Case {
  name: string;
  source: string;
  covered?: Cover | undefined;
  edit?: Mutation;
  /** Index in the table of rules. */
  rule?: number;
}

const ofEdit = (edit: Mutation): Case => ({ name: edit.name, source: edit.source, covered: edit.covered, edit });

/** What is to be missed, or covered. */
export const CASES: readonly Case[] = [
  ...RULES.map((rule, index): Case => ({ name: `without the rule: ${rule.reason}`, source: rule.source, rule: index })),
  ...MUTATIONS.map(ofEdit),
];

const ALL: readonly Case[] = [...CASES, ...PARTS.map(ofEdit)];

/** @throws Error when nothing, or more than one thing, has this name */
export function caseNamed(name: string): Case {
  const [found, ...more] = ALL.filter((each) => each.name === name);
  if (found !== undefined && more.length === 0) return found;
  throw new Error(`${found === undefined ? "nothing" : "more than one thing"} to switch off is named "${name}"`);
}

/** Hunts in a copy of the sources in which all of these are switched off. */
export async function huntWithout(off: readonly Case[], tries: Order["tries"]): Promise<Hunt> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-mutation-"));
  try {
    for (const part of ["components/arbiter/agent", "test/simulation"]) {
      cpSync(join(ROOT, part), join(folder, part), { recursive: true });
    }
    writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
    for (const [file, text] of edited(off)) writeFileSync(join(folder, file), text);
    const rules = off.flatMap(({ rule }) => (rule === undefined ? [] : [rule]));
    const order: Order = { rules, tries };
    return JSON.parse(await output([join(folder, "test/simulation/hunt.ts"), JSON.stringify(order)])) as Hunt;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * The text of every file that changes when all of these are switched off, by its path in the checkout.
 * @throws Error when what an edit replaces does not stand there exactly once
 */
export function edited(off: readonly Case[]): Map<string, string> {
  const texts = new Map<string, string>();
  for (const { edit } of off) {
    if (edit === undefined) continue;
    const { file, from, to, name } = edit;
    const text = texts.get(file) ?? readFileSync(join(ROOT, file), "utf8");
    const places = text.split(from).length - 1;
    if (places !== 1) throw new Error(`"${name}": ${file} has ${places} places like this instead of one:\n${from}`);
    texts.set(
      file,
      text.replace(from, () => to),
    );
  }
  return texts;
}

function output(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, argv, { timeout: LIMIT_MS, maxBuffer: 2 ** 24 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${error.message}\n${stderr}`));
    });
  });
}
