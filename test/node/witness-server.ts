import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { availableParallelism, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { witnessFiles } from "../../components/witness.ts";
import { type SiteCertificates, write, writePair } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

/** nginx with the product's own configuration for several sites; only the folders are a test's. */
export class WitnessServer {
  // In memory, as a site's tree is.
  readonly root = mkdtempSync("/dev/shm/tandem-witness-");
  readonly port: number;
  #nginx: ChildProcess | undefined;
  #sites: string[] = [];
  /** What to look through to see the trees as nginx does. */
  #mounts = "";

  private constructor(port: number) {
    this.port = port;
    // nginx's workers are another user, who must be able to pass.
    chmodSync(this.root, 0o755);
  }

  static async create(): Promise<WitnessServer> {
    return new WitnessServer(await freePort());
  }

  async addSite(site: string, nodes: readonly string[], certificates: SiteCertificates): Promise<void> {
    const plan = { site, port: this.port, nodes, storage: { kind: "tmpfs" }, purge: false } as const;
    const conf = witnessFiles(plan).files?.[`/etc/nginx/conf.d/tandem-${site}.conf`]?.content ?? "";
    const folders = / (\/etc\/tandem-witness|\/srv\/tandem-witness|\/var\/log\/nginx)/g;
    this.#sites.push(conf.replaceAll(folders, ` ${this.root}$1`));
    const pki = join(this.root, "etc/tandem-witness", site);
    writePair(pki, "server", await certificates.issue(`${site}.tandem-witness`, ["server"]));
    write(pki, "ca.crt", certificates.authorityPem);
    mkdirSync(join(this.root, "var/log/nginx"), { recursive: true });
    mkdirSync(this.tree(site), { recursive: true });
  }

  /** Sites whose configuration is not the product's. */
  async addOwn(configuration: string, sites: readonly string[], certificates: SiteCertificates): Promise<void> {
    const moved = configuration.replaceAll(/ \/(etc|srv)\/witness/g, ` ${this.root}/$1/tandem-witness`);
    this.#sites.push(moved.replace("listen 8443", `listen ${this.port}`));
    const pki = join(this.root, "etc/tandem-witness");
    writePair(pki, "server", await certificates.issue("localhost", ["server"]));
    write(pki, "nodes-ca.crt", certificates.authorityPem);
    for (const site of sites) mkdirSync(this.tree(site), { recursive: true });
  }

  /** The site's folder on the disk. */
  tree(site: string): string {
    return join(this.#mounts, this.root, "srv/tandem-witness", site);
  }

  /** A tree without any claim. */
  makeTree(site: string, incarnation: string): void {
    for (const folder of ["staging", "claims"])
      mkdirSync(join(this.tree(site), incarnation, folder), { recursive: true });
    writeFileSync(join(this.tree(site), "incarnation"), incarnation);
  }

  /** @param tmpfs of a file system for one site's tree, which ends with nginx */
  async start(tmpfs?: { site: string; options: string }): Promise<void> {
    const http = `http { ${this.#sites.join("\n")} }`;
    const conf = join(this.root, "nginx.conf");
    // As many workers as Debian's own nginx.conf asks for, and never one alone: claims really meet.
    const workers = Math.max(2, availableParallelism());
    const main = `daemon off; user root; worker_processes ${workers}; pid ${this.root}/pid; error_log stderr emerg; events {}`;
    writeFileSync(conf, `${main} ${http}`);
    const nginx = ["nginx", "-p", this.root, "-c", conf];
    const argv = tmpfs === undefined ? nginx : mounted(tmpfs.options, this.tree(tmpfs.site), nginx);
    this.#nginx = spawn(argv[0] ?? "", argv.slice(1), { stdio: ["ignore", "ignore", "inherit"] });
    if (tmpfs !== undefined) this.#mounts = `/proc/${this.pid}/root`;
    for (let left = 200; ; left--) {
      const listens = await new Promise<boolean>((resolve) => {
        const socket = connect(this.port, "127.0.0.1", () => resolve(true)).once("error", () => resolve(false));
        socket.once("connect", () => socket.destroy());
      });
      if (listens) return;
      if (left === 0) throw new Error("nginx does not listen");
      await sleep(25);
    }
  }

  /** Process id of nginx's master. */
  get pid(): number {
    if (this.#nginx?.pid === undefined) throw new Error("nginx does not run");
    return this.#nginx.pid;
  }

  async stop(): Promise<void> {
    if (this.#nginx === undefined) return;
    const ended = once(this.#nginx, "exit");
    this.#nginx.kill();
    await ended;
    this.#nginx = undefined;
    this.#mounts = "";
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true });
  }
}

/** The command in a mount namespace of its own: nothing stays mounted, whatever ends the test. */
function mounted(options: string, folder: string, command: readonly string[]): string[] {
  const user = userInfo().uid === 0 ? [] : ["--user", "--map-root-user"];
  const script = 'mount -t tmpfs -o "$0" tmpfs "$1" && shift && exec "$@"';
  return ["unshare", "--mount", ...user, "/bin/sh", "-c", script, options, folder, ...command];
}
