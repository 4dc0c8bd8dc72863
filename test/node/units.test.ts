import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { run } from "../../components/cli/process.ts";
import { examples, fileSets, readSite } from "../golden/rendered.ts";

const folder = "/etc/systemd/system/";
let scratch: string;

beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "tandem-units-"));
});

afterEach(() => {
  rmSync(scratch, { recursive: true });
});

/** Writes a machine's units; their programs, which are not on this machine, are stood in for by one that is. */
function writeUnits(sets: ReturnType<typeof fileSets>[string]): string[] {
  const files = sets.flatMap((set) => Object.entries(set.files ?? {}));
  for (const [path, { content }] of files.filter(([path]) => path.startsWith(folder))) {
    const file = join(scratch, path.slice(folder.length));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content.replaceAll(/^(Exec\w+=[-+!]*)\S+/gm, "$1/bin/true"));
  }
  return readdirSync(scratch).filter((name) => !name.endsWith(".d"));
}

describe.each(examples)("the units of the stack %s", (example) => {
  const machines = fileSets(readSite(example));

  it.each(Object.keys(machines))("on %s are read by systemd without a word", async (machine) => {
    const units = writeUnits(machines[machine] ?? []);
    expect(units.length).toBeGreaterThan(1);
    const argv = ["systemd-analyze", "verify", "--man=no", ...units.map((name) => join(scratch, name))] as const;
    const { stdout, stderr } = await run(argv, { timeoutMs: 60_000, env: { SYSTEMD_UNIT_PATH: `${scratch}:` } });
    const said = `${stdout}${stderr}`.split("\n").filter((line) => units.some((name) => line.includes(name)));
    expect(said).toEqual([]);
  });

  it.each(Object.keys(machines))("on %s are declared where they are started", (machine) => {
    const sets = machines[machine] ?? [];
    const paths = sets.flatMap((set) => Object.keys(set.files ?? {}));
    const started = sets.flatMap((set) => set.units ?? []).filter(({ state }) => state === "started");
    const foreign = started.filter(({ name }) => !paths.includes(`${folder}${name}`)).map(({ name }) => name);
    const packages = sets.flatMap((set) => set.packages ?? []);
    expect(foreign.filter((name) => !packages.includes(name.replace(".service", "")))).toEqual([]);
  });
});
