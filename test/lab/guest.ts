import { spawn } from "node:child_process";
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { open, rm } from "node:fs/promises";
import { basename, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cachePath } from "./cache.ts";
import { type Kernel, umlScript } from "./kernel.ts";
import { cardName, type Net } from "./network.ts";
import { CommandError, isAlive, type ProcessId, processId, type RunOptions, type RunResult, run } from "./process.ts";

export interface GuestSpec {
  /** Host name, and its name in the lab's ssh configuration; at most 11 letters and digits. */
  name: string;
  /** Address in 10.77.1.0/24. */
  frontend: string;
  /** Address in 10.77.2.0/24; without it the guest has no second card. */
  backend?: string;
  /** Default 1024. */
  memoryMb?: number;
  /** Size of the data disk /dev/ubdb, default 2048; 0 means none. */
  diskMb?: number;
  /** Default trixie. */
  image?: "trixie" | "bookworm";
}

/** What a guest needs of its lab. */
export interface GuestSurroundings {
  namespace: string;
  /** Folder of the guest's files. */
  folder: string;
  sshConfig: string;
  /** Folder of the shared ssh connections' sockets. */
  sockets: string;
  kernel: Kernel;
  image: string;
  bundleDisk: string;
  /** Number of the processor that the whole guest runs on. */
  cpu: number;
  /** Whether the guest outlives the process that started it. */
  detached: boolean;
}

/** One machine of the lab: a User Mode Linux process tree in its own pid namespace, with its disks. */
export class Guest {
  readonly spec: GuestSpec;
  private readonly lab: GuestSurroundings;

  constructor(spec: GuestSpec, lab: GuestSurroundings) {
    this.spec = spec;
    this.lab = lab;
  }

  get name(): string {
    return this.spec.name;
  }

  get running(): boolean {
    return this.process() !== undefined;
  }

  /** Power on, with the disks as they are. Returns when the kernel runs; `waitSsh` says when the guest is of use. */
  async boot(): Promise<void> {
    if (this.running) throw new Error(`guest ${this.name} runs already`);
    await this.dropConnection();
    rmSync(this.file("pid"), { force: true });
    if (this.diskMb > 0 && !existsSync(this.file("data"))) await createSparse(this.file("data"), this.diskMb);
    const console = openSync(this.file("console"), "w");
    const namespaces = ["ip", "netns", "exec", this.lab.namespace];
    // The whole guest ends with the lab's process, even one that was killed.
    if (!this.lab.detached) namespaces.push("setpriv", "--pdeathsig", "KILL");
    // A guest's kernel and its programs are processes that take turns: across processors each turn is a wake-up.
    namespaces.push("taskset", "--cpu-list", String(this.lab.cpu));
    namespaces.push("unshare", "--mount", "--pid", "--fork", "--kill-child");
    const command = [...namespaces, umlScript, this.file("pid"), this.lab.kernel.chroot, cachePath()];
    const [program, ...args] = [...command, ...this.kernelArguments()] as [string, ...string[]];
    const child = spawn(program, args, { detached: true, stdio: ["ignore", console, console] });
    child.unref();
    await this.noteProcess();
  }

  /** Ends every process of the guest at once, as a power failure does. Returns how long it took in ms. */
  async powerCut(): Promise<number> {
    const kernel = this.process();
    if (!kernel) throw new Error(`guest ${this.name} is off already`);
    const startedAt = performance.now();
    process.kill(kernel.pid, "SIGKILL");
    // Not isAlive: the kernel's first thread is a zombie while the rest of the guest still ends.
    while (existsSync(`/proc/${kernel.pid}`)) await sleep(2);
    const tookMs = performance.now() - startedAt;
    await this.dropConnection();
    return tookMs;
  }

  /** Stops the guest's processors; its clock and its network go on without it. */
  pause(): void {
    this.signalAll("SIGSTOP");
  }

  resume(): void {
    this.signalAll("SIGCONT");
  }

  /** Paused, and neither gone on nor ended since. */
  get standsStill(): boolean {
    const kernel = this.process();
    return kernel !== undefined && /^State:\s*T/m.test(readFileSync(`/proc/${kernel.pid}/status`, "utf8"));
  }

  /** Waits until commands can be run. @throws with the end of the console if the guest dies or time runs out. */
  async waitSsh(timeoutMs = 60_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (!this.running) throw new Error(`guest ${this.name} died while it booted; its console:\n${this.console()}`);
      if (await this.isConnected()) return;
      await sleep(50);
    }
    throw new Error(`no ssh on guest ${this.name} after ${timeoutMs} ms; its console:\n${this.console()}`);
  }

  /** Runs a shell command as root over ssh. Code 255 with `check: false` may also mean that the connection broke. */
  async run(command: string, options: RunOptions = {}): Promise<RunResult> {
    if (!this.running) throw new Error(`guest ${this.name} is off: cannot run ${JSON.stringify(command)}`);
    if (!existsSync(this.socket)) await this.openConnection(5);
    try {
      return await run(this.ssh(this.name, command), options);
    } catch (error) {
      if (error instanceof CommandError) throw error.about(`${this.name}: ${command}`);
      throw error;
    }
  }

  /** A machine with new disks at the next boot. */
  async wipeDisks(): Promise<void> {
    if (this.running) throw new Error(`guest ${this.name} runs: cut its power before wiping its disks`);
    for (const disk of ["cow", "data"]) await rm(this.file(disk), { force: true });
  }

  /** The last lines of what the kernel and systemd printed since the last boot. */
  console(lines = 30): string {
    if (!existsSync(this.file("console"))) return "";
    return readFileSync(this.file("console"), "utf8").trimEnd().split("\n").slice(-lines).join("\n");
  }

  private get diskMb(): number {
    return this.spec.diskMb ?? 2048;
  }

  private get socket(): string {
    return join(this.lab.sockets, this.name);
  }

  private file(kind: "cow" | "data" | "pid" | "console" | "process" | string): string {
    return join(this.lab.folder, `${this.name}.${kind}`);
  }

  private kernelArguments(): string[] {
    // The cache folder is /lab in the kernel's chroot.
    const seen = (file: string) => `/lab/${relative(cachePath(), file)}`;
    const args = [`mem=${this.spec.memoryMb ?? 1024}M`, "seccomp=on", "root=/dev/ubda", "rw", "quiet"];
    args.push(`ubd0=${seen(this.file("cow"))},${seen(this.lab.image)}`);
    if (this.diskMb > 0) args.push(`ubd1=${seen(this.file("data"))}`);
    args.push(`ubd2rc=${seen(this.lab.bundleDisk)}`);
    args.push(this.card(0, "frontend", this.spec.frontend), `lab.frontend=${this.spec.frontend}/24`);
    if (this.spec.backend) args.push(this.card(1, "backend", this.spec.backend), `lab.backend=${this.spec.backend}/24`);
    args.push(
      `systemd.hostname=${this.name}`,
      `umid=${this.name}`,
      "systemd.ssh_auto=no",
      "con=null",
      "con0=null,fd:1",
      "ssl=null",
    );
    return args;
  }

  private card(index: number, net: Net, address: string): string {
    const mac = ["02", "00", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
    // Without gro no TCP connection comes to anything although ping is fine.
    return `vec${index}:transport=raw,ifname=${cardName(this.name, net)},depth=64,gro=1,mac=${mac}`;
  }

  /** Waits for the new kernel's process and writes it down, for this object and for other processes. */
  private async noteProcess(): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      const pid = Number(existsSync(this.file("pid")) && readFileSync(this.file("pid"), "utf8"));
      const kernel = pid ? processId(pid) : undefined;
      if (kernel && runsKernel(pid)) {
        // A kernel that restarts within its process would find its own cables taken: it is to end, and is started from outside.
        rmSync(`/proc/${pid}/root/tmp/linux.uml`);
        writeFileSync(this.file("process"), JSON.stringify(kernel));
        return;
      }
      await sleep(10);
    }
    throw new Error(`guest ${this.name} did not start; its console:\n${this.console()}`);
  }

  private process(): ProcessId | undefined {
    if (!existsSync(this.file("process"))) return undefined;
    const noted: ProcessId = JSON.parse(readFileSync(this.file("process"), "utf8"));
    return isAlive(noted) ? noted : undefined;
  }

  private signalAll(signal: "SIGSTOP" | "SIGCONT"): void {
    const kernel = this.process();
    if (!kernel) throw new Error(`guest ${this.name} is off: cannot send it ${signal}`);
    const namespace = readlinkSync(`/proc/${kernel.pid}/ns/pid`);
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        if (readlinkSync(`/proc/${pid}/ns/pid`) !== namespace) continue;
        // A traced process stands still when its tracer does, and must not be signalled past it.
        if (/^TracerPid:\s*0$/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) process.kill(Number(pid), signal);
      } catch {
        // It ended meanwhile.
      }
    }
  }

  private ssh(...args: string[]): string[] {
    return ["ip", "netns", "exec", this.lab.namespace, "ssh", "-F", this.lab.sshConfig, ...args];
  }

  /** Whether the shared connection answers, opened anew if need be. */
  private async isConnected(): Promise<boolean> {
    if (!existsSync(this.socket)) return this.openConnection(1);
    const probe = run(this.ssh(this.name, "true"), { timeoutMs: 2000 });
    const answers = await probe.then(
      () => true,
      () => false,
    );
    // Through a socket whose connection is dead nothing comes for ten seconds more.
    if (!answers) await this.dropConnection();
    return answers;
  }

  /** Opens the connection that all commands to this guest share. Returns whether it stands. */
  private async openConnection(timeoutSeconds: number): Promise<boolean> {
    const options = ["-o", "ControlMaster=yes", "-o", `ConnectTimeout=${timeoutSeconds}`];
    const argv = this.ssh(...options, "-f", "-N", this.name);
    const child = spawn(argv[0] as string, argv.slice(1), { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutSeconds * 1000 + 2000);
    const code = await new Promise((resolve) => child.on("exit", resolve));
    clearTimeout(timer);
    return code === 0;
  }

  private async dropConnection(): Promise<void> {
    if (!existsSync(this.socket)) return;
    await run(["ssh", "-F", this.lab.sshConfig, "-O", "exit", this.name], { check: false, timeoutMs: 5000 });
    rmSync(this.socket, { force: true });
  }
}

/** It does after the programs that prepare its surroundings. */
function runsKernel(pid: number): boolean {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)) === "linux.uml";
  } catch {
    return false;
  }
}

async function createSparse(file: string, megabytes: number): Promise<void> {
  const handle = await open(file, "wx");
  await handle.truncate(megabytes * 2 ** 20);
  await handle.close();
}
