import { X509Certificate } from "node:crypto";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { loadedDrbd } from "../loaded-drbd.ts";
import { type Argv, type Finished, lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import type { Checker } from "./bundle-type.ts";
import type { Machine } from "./machine.ts";

/** A file that waits beside its place. */
export interface Candidate {
  /** Its place. */
  readonly path: string;
  /** Where its text lies now. */
  readonly aside: string;
  readonly check: Checker | undefined;
}

/** Lets each candidate be read by the program it is for. @throws Failure with every refusal */
export async function checkCandidates(machine: Machine, candidates: readonly Candidate[]): Promise<void> {
  const refusals: string[] = [];
  for (const candidate of candidates) {
    if (candidate.check === undefined || candidate.check === "unit") continue;
    const refusal = await checkers[candidate.check](machine, candidate);
    if (refusal !== undefined) refusals.push(`${candidate.path} is refused ${refusal}`);
  }
  const units = candidates.filter(({ check }) => check === "unit");
  if (units.length > 0) refusals.push(...(await verifyUnits(machine, units)));
  if (refusals.length > 0) throw new Failure(`the files in place were left as they are:\n${refusals.join("\n")}`);
}

type Check = (machine: Machine, candidate: Candidate) => Promise<string | undefined>;

const checkers: Readonly<Record<Exclude<Checker, "unit">, Check>> = {
  // The file alone inside an empty configuration: a broken file of somebody else is not ours to report, and the running
  // configuration is not touched before the verdict. Even a test makes the folders for bodies, and gives them to its own user.
  nginx: (machine, { aside }) =>
    inScratch(async (folder) => {
      const text = await readFile(aside, "utf8");
      await writeFile(
        join(folder, "site.conf"),
        text.replaceAll(/^(\s*client_body_temp_path) [^;]+;/gm, `$1 ${folder}/body;`),
      );
      const main = join(folder, "nginx.conf");
      const http = `http {\n  access_log off;\n  include ${folder}/site.conf;\n}`;
      await writeFile(main, `pid ${folder}/pid;\nerror_log stderr;\nevents {}\n${http}\n`);
      return verdict("nginx -t", await ask(machine, ["nginx", "-t", "-q", "-p", folder, "-c", main]));
    }),
  drbd: drbdadmReads,
  "drbd-8.4": (machine, candidate) => drbdadmReads(machine, candidate, "8.4."),
  "drbd-9": (machine, candidate) => drbdadmReads(machine, candidate, "9."),
  keepalived: async (machine, { aside }) =>
    verdict("keepalived -t", await ask(machine, ["keepalived", "-t", "-f", aside])),
  haproxy: async (machine, { aside }) => verdict("haproxy -c", await ask(machine, ["haproxy", "-c", "-f", aside])),
  shell: async (machine, { aside }) => verdict("sh -n", await ask(machine, ["sh", "-n", aside])),
  async json(_machine, { aside }) {
    try {
      JSON.parse(await readFile(aside, "utf8"));
      return undefined;
    } catch {
      return "as JSON: it does not parse";
    }
  },
  async certificate(_machine, { aside }) {
    let certificate: X509Certificate;
    try {
      certificate = new X509Certificate(await readFile(aside));
    } catch {
      return "as an X.509 certificate in PEM: it does not parse";
    }
    const now = new Date();
    const outside = new Date(certificate.validFrom) > now || new Date(certificate.validTo) < now;
    if (!outside) return undefined;
    return (
      `as a certificate: it is valid from ${certificate.validFrom} to ${certificate.validTo}, and this machine's clock says ` +
      `${now.toUTCString()}; set the clock, or renew the certificate with \`pulumi up\``
    );
  },
};

/** @param line beginning of the version of DRBD that the file is for, if not for any */
async function drbdadmReads(machine: Machine, { aside }: Candidate, line = ""): Promise<string | undefined> {
  // drbdadm speaks the words of the module that is loaded; the file for the other one is not in force.
  if (!(await loadedDrbd(machine)).startsWith(line)) return undefined;
  return verdict("drbdadm dump", await ask(machine, ["drbdadm", `--config-file=${aside}`, "dump"]));
}

/** All units in one folder, because they name each other; the machine's own units lie beneath. */
async function verifyUnits(machine: Machine, units: readonly Candidate[]): Promise<string[]> {
  return inScratch(async (folder) => {
    const names: string[] = [];
    for (const { path, aside } of units) {
      if (path.split("/").at(-2)?.endsWith(".d")) continue;
      await copyFile(aside, join(folder, basename(path)));
      names.push(basename(path));
    }
    if (names.length === 0) return [];
    const ended = await machine.run(
      ["systemd-analyze", "verify", "--man=no", ...names.map((name) => join(folder, name))],
      {
        timeoutMs: 60_000,
        env: { SYSTEMD_UNIT_PATH: `${folder}:` },
      },
    );
    // The exit code also counts faults of units that ours only refer to; a line that names one of ours counts here.
    const own = `${ended.stdout}${ended.stderr}`
      .split("\n")
      .filter((line) => names.some((name) => line.includes(`/${name}:`) || line.startsWith(`${name}:`)));
    const harmless = /is marked (world-)?(executable|inaccessible|writable)/;
    const faults = own.filter((line) => !harmless.test(line)).map((line) => line.replaceAll(`${folder}/`, ""));
    return faults.length === 0 ? [] : [`systemd-analyze verify refuses the units${lastLines(faults.join("\n"))}`];
  });
}

async function ask(machine: Machine, argv: Argv): Promise<Finished> {
  return machine.run(argv, { timeoutMs: 60_000 });
}

function verdict(program: string, ended: Finished): string | undefined {
  return ended.code === 0 ? undefined : `by ${program}${lastLines(`${ended.stdout}${ended.stderr}`)}`;
}

async function inScratch<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "tandem-check-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
