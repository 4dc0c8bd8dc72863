import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import { type ClusterPlan, etcdOptions } from "../../components/etcd/config.ts";
import { type Issued, issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import { ensureToolchain } from "../lab/toolchain.ts";
import { plan as examplePlan } from "../unit/etcd/plan.ts";

/** Both nodes on this machine: every 127.x address is local. */
export const plan: ClusterPlan = {
  ...examplePlan,
  nodes: [
    { name: "n1", frontend: "127.77.1.11", backend: "127.77.2.11" },
    { name: "n2", frontend: "127.77.1.12", backend: "127.77.2.12" },
  ],
  datastore: { ...examplePlan.datastore, quotaBackendBytes: 64 * 2 ** 20 },
};

const [one, two] = plan.nodes;
/** Where each member's clients ask. */
export const clientUrls = {
  E1: `https://${one.frontend}:2379`,
  E2: `https://${two.frontend}:2379`,
  T: `https://${one.backend}:2383`,
} as const;

export type Json = Readonly<Record<string, unknown>>;

/** E1 and E2, and T as it runs on node one, with the product's own configuration; only folders and shared loopback ports differ. */
export class EtcdCluster {
  readonly #etcd: string;
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-etcd-"));
  readonly #members = new Map<string, { child: ChildProcess; log: string }>();
  #client: Issued = { certificatePem: "", privateKeyPem: "" };
  #trust = "";

  private constructor(etcd: string) {
    this.#etcd = etcd;
  }

  /** Of the lab's etcd, which is built first if it is not there; its members are launched and may not have met. */
  static async start(): Promise<EtcdCluster> {
    const { path } = await ensureToolchain();
    const cluster = new EtcdCluster(join(path.at(-1) ?? "", "etcd"));
    await cluster.#makePki();
    cluster.#launch("E1", etcdOptions(plan, "regular", 0));
    cluster.#launch("E2", etcdOptions(plan, "regular", 1));
    cluster.#launch("T", etcdOptions(plan, "transient", 0));
    return cluster;
  }

  async stop(): Promise<void> {
    for (const name of this.#members.keys()) await this.kill(name);
    rmSync(this.#folder, { recursive: true });
  }

  async kill(name: string): Promise<void> {
    const child = this.#members.get(name)?.child;
    const ended = new Promise((resolve) => child?.once("exit", resolve));
    if (child?.exitCode === null && child.signalCode === null && child.kill("SIGKILL")) await ended;
  }

  /** E2 on a new machine in the place of the killed one's, or on the old one once more. */
  restartE2(machine: "new" | "old"): void {
    if (machine === "new") {
      renameSync(this.#dataOf("E2"), `${this.#dataOf("E2")}-old`);
      this.#launch("E2", etcdOptions(plan, "regular", 1, "existing"));
    } else {
      renameSync(this.#dataOf("E2"), `${this.#dataOf("E2")}-new`);
      renameSync(`${this.#dataOf("E2")}-old`, this.#dataOf("E2"));
      this.#launch("E2", etcdOptions(plan, "regular", 1));
    }
  }

  /** Exit code of a member that has ended. */
  exitCode(name: string): number | null | undefined {
    return this.#members.get(name)?.child.exitCode;
  }

  /** Everything that a member has logged, one JSON object a line. */
  log(member: string): string {
    return this.#members.get(member)?.log ?? "";
  }

  /** A folder like /etc/tandem/pki, with what the agent shows to etcd. */
  get agentPki(): string {
    return join(this.#folder, "agent");
  }

  /** Asks as the agent does, over HTTPS with a client certificate. */
  async ask(base: string, path: string, question: Json = {}): Promise<Json> {
    const { status, text } = await this.post(base, path, question, this.#client);
    if (status !== 200) throw new Error(`${base}${path}: ${status} ${text}`);
    return JSON.parse(text) as Json;
  }

  post(base: string, path: string, question: Json, client?: Issued): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const asked = request(`${base}${path}`, {
        method: "POST",
        timeout: 5_000,
        ca: this.#trust,
        ...(client === undefined ? {} : { cert: client.certificatePem, key: client.privateKeyPem }),
      });
      asked.on("timeout", () => asked.destroy(new Error(`${base}${path}: no answer`)));
      asked.on("error", reject);
      asked.on("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      asked.end(JSON.stringify(question));
    });
  }

  async #makePki(): Promise<void> {
    const at = (offsetMs: number) => new Date(Date.now() + offsetMs).toISOString();
    const window = { notBefore: at(-60_000), notAfter: at(3_600_000) };
    const authority = await issueAuthority("test etcd CA", window);
    this.#trust = authority.certificatePem;
    const backends = plan.nodes.map(({ backend }) => backend);
    const leaf = (commonName: string, ipAddresses: string[], usages: ("server" | "client")[]) =>
      issueLeaf({ commonName, dnsNames: ["localhost"], ipAddresses, usages }, window, authority);
    this.#client = await leaf("tandem-agent", [], ["client"]);
    mkdirSync(this.agentPki);
    writeFileSync(join(this.agentPki, "etcd-ca.crt"), this.#trust);
    writeFileSync(join(this.agentPki, "etcd-client.crt"), this.#client.certificatePem);
    writeFileSync(join(this.agentPki, "etcd-client.key"), this.#client.privateKeyPem, { mode: 0o600 });
    for (const node of plan.nodes) {
      const folder = join(this.#folder, node.name);
      mkdirSync(folder);
      const server = await leaf(node.name, ["127.0.0.1", node.frontend, node.backend], ["server", "client"]);
      const peer = await leaf(node.name, backends, ["server", "client"]);
      writeFileSync(join(folder, "etcd-ca.crt"), this.#trust);
      for (const [name, { certificatePem, privateKeyPem }] of Object.entries({
        "etcd-server": server,
        "etcd-peer": peer,
      })) {
        writeFileSync(join(folder, `${name}.crt`), certificatePem);
        writeFileSync(join(folder, `${name}.key`), privateKeyPem, { mode: 0o600 });
      }
    }
  }

  #dataOf(member: string): string {
    return join(this.#folder, `data-${member}`);
  }

  #launch(name: string, options: Json): void {
    const node = name === "E2" ? "n2" : "n1";
    const yaml = stringify({
      ...options,
      "data-dir": this.#dataOf(name),
      // Two nodes on one machine cannot both have 127.0.0.1.
      "listen-client-urls": String(options["listen-client-urls"])
        .split(",")
        .filter((url) => !url.includes("127.0.0.1"))
        .join(","),
    }).replaceAll("/etc/tandem/pki", join(this.#folder, node));
    const file = join(this.#folder, `${name}.yaml`);
    writeFileSync(file, yaml);
    const child = spawn(this.#etcd, ["--config-file", file], { stdio: ["ignore", "ignore", "pipe"] });
    const member = { child, log: "" };
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      member.log += text;
    });
    this.#members.set(name, member);
  }
}

/** Polls until the check passes; its last error is the test's. */
export async function eventually<T>(check: () => Promise<T>, withinMs = 20_000): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await sleep(100);
    }
  }
}
