import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { KubernetesSettings } from "../../components/arbiter/agent/settings.ts";
import { agentUser } from "../../components/kubernetes/agent-access.ts";
import { apiServerFlags, type EncryptionKeys, encryptionConfig } from "../../components/kubernetes/api-server.ts";
import { kubeconfig } from "../../components/kubernetes/kubeconfig.ts";
import { auditLog, configFolder, pkiFolder } from "../../components/kubernetes/paths.ts";
import { type Issued, issueAuthority, issueLeaf, type LeafSubject } from "../../components/pki/provider/x509.ts";
import { readTemplate } from "../../components/render.ts";
import { atExit } from "../lab/cleanup.ts";
import { type RunResult, run } from "../lab/process.ts";
import { ensureKubernetes, ensureToolchain } from "../lab/toolchain.ts";
import { eventually } from "./etcd-cluster.ts";
import { valid, writePair } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

export interface Asked {
  readonly method: "POST" | "PUT" | "PATCH" | "DELETE" | "GET";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
  /** In whose name; without it, that of a member of system:masters. */
  readonly as?: { readonly user: string; readonly groups?: readonly string[] };
}

export interface Answer {
  readonly status: number;
  /** Of a refusal. */
  readonly message: string;
}

interface Child {
  readonly child: ChildProcess;
  readonly tail: () => string;
}

export function newKey(): string {
  return randomBytes(32).toString("base64");
}

/**
 * kube-apiserver with the product's own flags, on an etcd member of its own. What differs: folders, ports, and unless a test asks for
 * the product's authorization that every user may do everything, so that whatever is refused was refused by admission.
 */
export class ApiServer {
  readonly #folder = mkdtempSync(join(tmpdir(), "tandem-api-server-"));
  readonly #programs: { readonly etcd: string; readonly kubernetes: string };
  readonly #children: Child[] = [];
  readonly #forget = atExit(() => this.#abandon());
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 4 });
  #port = 0;
  #etcdUrl = "";
  #flags: Readonly<Record<string, unknown>> = {};
  #trust = "";
  #admin: Issued = { certificatePem: "", privateKeyPem: "" };

  private constructor(programs: { etcd: string; kubernetes: string }) {
    this.#programs = programs;
  }

  /** Ready to be asked. The programs are built first if they are not there, which takes minutes. */
  static async start(authorization: "AlwaysAllow" | "Node,RBAC" = "AlwaysAllow"): Promise<ApiServer> {
    const { path } = await ensureToolchain();
    const server = new ApiServer({ etcd: path.at(-1) ?? "", kubernetes: await ensureKubernetes() });
    try {
      await server.#start(authorization);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  }

  async stop(): Promise<void> {
    this.#agent.destroy();
    await Promise.all(this.#children.map(end));
    rmSync(this.#folder, { recursive: true });
    this.#forget();
  }

  /** Starts the API server again, with other keys for what is kept in etcd as a secret. */
  async restartWith(encryption: EncryptionKeys): Promise<void> {
    const api = this.#children.pop();
    if (api !== undefined) await end(api);
    writeFileSync(join(this.#folder, "encryption.yaml"), encryptionConfig(encryption));
    this.#launchApi();
    await eventually(() => this.#isReady(), 90_000);
  }

  /** What etcd has, by key, as text. */
  async stored(prefix: string): Promise<Record<string, string>> {
    const argv = ["--endpoints", this.#etcdUrl, "get", prefix, "--prefix", "--write-out", "json"];
    const { stdout } = await run([join(this.#programs.etcd, "etcdctl"), ...argv]);
    const { kvs = [] } = JSON.parse(stdout) as { kvs?: { key: string; value: string }[] };
    const text = (base64: string) => Buffer.from(base64, "base64").toString("latin1");
    return Object.fromEntries(kvs.map(({ key, value }) => [text(key), text(value)]));
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** PEM texts of a member of system:masters. */
  get access() {
    return { trust: this.#trust, certificate: this.#admin.certificatePem, key: this.#admin.privateKeyPem };
  }

  /** What the agent of a node would be told of it. */
  agentAccess(as: "agent" | "admin", impersonate: string | null = null): KubernetesSettings {
    const file = (name: string) => join(this.#folder, name);
    return {
      port: this.#port,
      ca: file("ca.crt"),
      certificate: file(`${as}.crt`),
      key: file(`${as}.key`),
      impersonate,
    };
  }

  /** Runs kubectl as a member of system:masters. */
  kubectl(args: readonly string[], input = ""): Promise<RunResult> {
    const config = ["--kubeconfig", join(this.#folder, "admin.kubeconfig"), "--request-timeout", "20s"];
    return run([join(this.#programs.kubernetes, "kubectl"), ...config, ...args], {
      input,
      timeoutMs: 30_000,
      env: { ...process.env, HOME: this.#folder },
    });
  }

  /** Asks within 10 s. */
  async ask({ method, path, body, as }: Asked): Promise<Answer> {
    const { status, text } = await this.#ask(method, path, body && JSON.stringify(body), {
      "Content-Type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      // As bytes: Node takes no other characters, and the API server reads them as UTF-8.
      ...(as && { "Impersonate-User": Buffer.from(as.user).toString("latin1") }),
      ...(as?.groups && { "Impersonate-Group": [...as.groups] }),
    });
    return { status, message: status < 300 ? "" : (JSON.parse(text) as { message: string }).message };
  }

  #ask(method: string, path: string, body: string | undefined, headers: Record<string, string | string[]>) {
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const asked = request({
        host: "127.0.0.1",
        port: this.#port,
        ca: this.#trust,
        cert: this.#admin.certificatePem,
        key: this.#admin.privateKeyPem,
        agent: this.#agent,
        method,
        path,
        headers,
        signal: AbortSignal.timeout(10_000),
      });
      asked.once("error", reject);
      asked.once("response", (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.once("error", reject);
        response.once("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      // As bytes: a text would be sent together with the headers, and in its encoding.
      asked.end(body && Buffer.from(body));
    });
  }

  async #start(authorization: string): Promise<void> {
    const [client, peer, api] = [await freePort(), await freePort(), await freePort()];
    this.#port = api;
    const etcdUrl = `http://127.0.0.1:${client}`;
    this.#etcdUrl = etcdUrl;
    const etcdFlags = {
      "data-dir": join(this.#folder, "etcd"),
      "listen-client-urls": etcdUrl,
      "advertise-client-urls": etcdUrl,
      "listen-peer-urls": `http://127.0.0.1:${peer}`,
      "initial-advertise-peer-urls": `http://127.0.0.1:${peer}`,
      "initial-cluster": `default=http://127.0.0.1:${peer}`,
      "unsafe-no-fsync": true,
      "log-level": "warn",
    };
    this.#launch(join(this.#programs.etcd, "etcd"), etcdFlags);
    await this.#writeFiles();
    const own = apiServerFlags({
      node: { frontend: "10.77.1.11" },
      kubernetes: { serviceCidr: "10.96.0.0/16" },
      times: { podEvictionMs: 25_000 },
      datastore: { endpoints: [etcdUrl], trust: "none" },
    });
    const moved = JSON.stringify(own)
      .replaceAll(pkiFolder, this.#folder)
      .replaceAll(configFolder, this.#folder)
      .replaceAll(auditLog, join(this.#folder, "audit.log"));
    const { "etcd-cafile": _ca, "etcd-certfile": _certificate, "etcd-keyfile": _key, ...flags } = JSON.parse(moved);
    this.#flags = {
      ...flags,
      "bind-address": "127.0.0.1",
      "secure-port": api,
      "authorization-mode": authorization,
    };
    this.#launchApi();
    await eventually(() => this.#isReady(), 90_000);
  }

  async #isReady(): Promise<void> {
    const dead = this.#children.find(({ child }) => child.exitCode !== null || child.signalCode !== null);
    const { status, text } = await this.#ask("GET", "/readyz", undefined, {}).catch((error) => ({
      status: 0,
      text: String(error),
    }));
    if (status === 200) return;
    throw new Error(`the API server is not ready: ${text}\n${(dead ?? this.#children.at(-1))?.tail()}`);
  }

  async #writeFiles(): Promise<void> {
    const authority = await issueAuthority("test Kubernetes CA", valid);
    const frontProxy = await issueAuthority("test front proxy CA", valid);
    const issue = (name: string, subject: Partial<LeafSubject>, by = authority) =>
      issueLeaf({ commonName: name, dnsNames: [], ipAddresses: [], usages: ["client"], ...subject }, valid, by);
    const masters = { organization: "system:masters" };
    this.#trust = authority.certificatePem;
    this.#admin = await issue("test-admin", masters);
    const pairs = {
      admin: this.#admin,
      agent: await issue(agentUser, {}),
      "api-server": await issue("kube-apiserver", { ipAddresses: ["127.0.0.1"], usages: ["server"] }),
      "kubelet-client": await issue("kube-apiserver", masters),
      "service-accounts": await issueAuthority("test service accounts", valid),
      "front-proxy-client": await issue("front-proxy", {}, frontProxy),
    };
    for (const [name, pair] of Object.entries(pairs)) writePair(this.#folder, name, pair);
    const files = {
      "ca.crt": authority.certificatePem,
      "front-proxy-ca.crt": frontProxy.certificatePem,
      "audit-policy.yaml": readTemplate("etc/tandem/kubernetes/audit-policy.yaml"),
      "encryption.yaml": encryptionConfig({ current: newKey(), successor: newKey(), predecessors: [] }),
      "admin.kubeconfig": kubeconfig(
        "test",
        { server: `https://127.0.0.1:${this.#port}`, "certificate-authority": join(this.#folder, "ca.crt") },
        {
          "client-certificate": join(this.#folder, "admin.crt"),
          "client-key": join(this.#folder, "admin.key"),
        },
      ),
    };
    for (const [name, content] of Object.entries(files))
      writeFileSync(join(this.#folder, name), content, { mode: 0o600 });
  }

  #launchApi(): void {
    this.#launch(join(this.#programs.kubernetes, "kube-apiserver"), this.#flags);
  }

  #launch(program: string, flags: Readonly<Record<string, unknown>>): void {
    const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(program, argv, { stdio: ["ignore", "ignore", "pipe"] });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4_000);
    });
    child.on("error", (error) => {
      log += error.message;
    });
    this.#children.push({ child, tail: () => log });
  }

  #kill(): void {
    for (const { child } of this.#children) child.kill("SIGKILL");
  }

  #abandon(): void {
    this.#kill();
    // A runner that is interrupted kills its workers before they have removed this much themselves.
    spawn("rm", ["-rf", this.#folder], { detached: true, stdio: "ignore" });
  }
}

async function end({ child }: Child): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await ended;
}
