import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Machine } from "../../components/cli/apply/machine.ts";
import { type Argv, type Finished, type Limits, run } from "../../components/cli/process.ts";

interface FakeUnit {
  active: string;
  enabled: string;
  /** Contents of the files that the test watches for it, at its last start, restart or reload. */
  startedWith: string;
}

/** Thrown where a test ends the program. */
export class PowerCut extends Error {}

/** A folder that stands for a machine, with a systemd that only remembers. All other programs are the real ones. */
export class FakeMachine implements Machine {
  readonly root = mkdtempSync(join(tmpdir(), "tandem-apply-"));
  readonly units = new Map<string, FakeUnit>();
  /** What systemd was asked to change, in order. */
  asked: string[] = [];
  /** Answers of programs that are not to run, by the first words of their command line. */
  readonly answers = new Map<string, Partial<Finished>>();
  /** Files whose contents a unit reads when it starts, by unit. */
  readonly reads = new Map<string, readonly string[]>();
  /** Steps until the power is cut; never by default. */
  stepsLeft = Number.POSITIVE_INFINITY;

  constructor() {
    this.put("/etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
    this.put("/etc/group", "root:x:0:\n");
    this.put("/proc/self/mounts", "");
    mkdirSync(join(this.root, "var/lib/tandem/applied"), { recursive: true });
  }

  step(): void {
    this.stepsLeft -= 1;
    if (this.stepsLeft < 0) throw new PowerCut();
  }

  async run(argv: Argv, limits: Limits): Promise<Finished> {
    if (argv[0] === "systemctl")
      return this.systemctl(argv.slice(1).filter((word) => word !== "--quiet" && word !== "--"));
    const line = argv.join(" ");
    const known = [...this.answers].find(([words]) => line.startsWith(words));
    if (known !== undefined) return { code: 0, stdout: "", stderr: "", ...known[1] };
    return run(argv, limits);
  }

  put(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  read(path: string): string {
    return readFileSync(join(this.root, path), "utf8");
  }

  mode(path: string): string {
    return (statSync(join(this.root, path)).mode & 0o7777).toString(8).padStart(4, "0");
  }

  /** Every file and folder, but for what makes the machine. */
  tree(): string[] {
    return readdirSync(this.root, { recursive: true, withFileTypes: true })
      .map((entry) => join(entry.parentPath, entry.name).slice(this.root.length))
      .filter(
        (path) =>
          !/^\/(etc\/(passwd|group)|proc(\/self(\/mounts)?)?|var(\/lib(\/tandem(\/applied)?)?)?|etc)$/.test(path),
      )
      .sort();
  }

  /** Units that run, each with whether it has the present contents of its files. */
  running(): Record<string, "current" | "outdated"> {
    const up = [...this.units].filter(([, { active }]) => active === "active");
    return Object.fromEntries(
      up.map(([name, { startedWith }]) => [name, startedWith === this.seenBy(name) ? "current" : "outdated"]),
    );
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  private seenBy(unit: string): string {
    return (this.reads.get(unit) ?? []).map((path) => this.read(path)).join("\0");
  }

  private unit(name: string): FakeUnit {
    let unit = this.units.get(name);
    if (unit === undefined) {
      unit = { active: "inactive", enabled: "disabled", startedWith: "" };
      this.units.set(name, unit);
    }
    return unit;
  }

  private systemctl([verb = "", ...rest]: string[]): Finished {
    const names = rest.filter((word) => !word.startsWith("--"));
    const done = { code: 0, stdout: "", stderr: "" };
    if (verb === "show") {
      const { active, enabled } = this.unit(names[0] ?? "");
      return { ...done, stdout: `ActiveState=${active}\nLoadState=loaded\nUnitFileState=${enabled}\n` };
    }
    if (verb === "is-enabled") return { ...done, stdout: `${this.unit(names[0] ?? "").enabled}\n` };
    if (verb === "reset-failed") return done;
    this.asked.push([verb, ...rest].join(" "));
    for (const name of names) this.change(verb, name);
    return done;
  }

  private change(verb: string, name: string): void {
    const unit = this.unit(name);
    if (verb === "start" || verb === "restart" || verb.startsWith("reload")) {
      unit.active = "active";
      unit.startedWith = this.seenBy(name);
    } else if (verb === "stop") unit.active = "inactive";
    else if (verb === "enable") unit.enabled = "enabled";
    else if (verb === "mask") unit.enabled = "masked";
    else if (verb === "disable" || verb === "unmask") unit.enabled = "disabled";
    else throw new Error(`the fake systemctl knows no ${verb}`);
  }
}
