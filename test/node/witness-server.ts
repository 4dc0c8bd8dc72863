import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { witnessFiles } from "../../components/witness.ts";
import { type SiteCertificates, write, writePair } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

/** nginx with the product's own configuration for several sites; only the folders are a test's. */
export class WitnessServer {
  readonly root = mkdtempSync(join(tmpdir(), "tandem-witness-"));
  readonly port: number;
  #nginx: ChildProcess | undefined;
  #sites: string[] = [];

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

  /** The site's folder on the disk. */
  tree(site: string): string {
    return join(this.root, "srv/tandem-witness", site);
  }

  /** A tree without any claim. */
  makeTree(site: string, incarnation: string): void {
    for (const folder of ["staging", "claims"])
      mkdirSync(join(this.tree(site), incarnation, folder), { recursive: true });
    writeFileSync(join(this.tree(site), "incarnation"), incarnation);
  }

  async start(): Promise<void> {
    const http = `http { ${this.#sites.join("\n")} }`;
    const conf = join(this.root, "nginx.conf");
    writeFileSync(conf, `daemon off; user root; pid ${this.root}/pid; error_log stderr crit; events {} ${http}`);
    this.#nginx = spawn("nginx", ["-p", this.root, "-c", conf], { stdio: ["ignore", "ignore", "inherit"] });
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

  async stop(): Promise<void> {
    if (this.#nginx === undefined) return;
    const ended = once(this.#nginx, "exit");
    this.#nginx.kill();
    await ended;
    this.#nginx = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.root, { recursive: true });
  }
}
