import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stringify } from "yaml";
import type { Guest } from "./guest.ts";
import type { Lab } from "./lab.ts";
import { CommandError, run } from "./process.ts";

/** What a client of an etcd cluster needs. */
export interface EtcdClient {
  endpoints: { name: string; url: string }[];
  /** Files with PEM texts. */
  tls: { ca: string; cert: string; key: string };
}

/**
 * A plain etcd cluster on guests of a lab: what two-node sites are measured against, and what a site may use in their place. The same
 * release, TLS and heartbeat as theirs; data on each guest's own disk.
 */
export class PlainEtcd {
  readonly client: EtcdClient;
  private readonly lab: Lab;

  private constructor(lab: Lab, client: EtcdClient) {
    this.lab = lab;
    this.client = client;
  }

  static async start(lab: Lab, guests = lab.guests): Promise<PlainEtcd> {
    const tls = await makeCertificates(lab, guests);
    await Promise.all(guests.map((guest) => install(lab, guest, guests)));
    const endpoints = guests.map(({ name, spec }) => ({ name, url: `https://${spec.frontend}:2379` }));
    const cluster = new PlainEtcd(lab, { endpoints, tls });
    await Promise.all(guests.map((guest) => cluster.startMember(guest)));
    await Promise.all(guests.map((guest) => guest.run("sync")));
    return cluster;
  }

  /** Also after a reboot of the guest. Returns when the member serves. */
  async startMember(guest: Guest): Promise<void> {
    const unit = ["--unit=etcd", "-p", "Type=notify", "-p", "Restart=always", "-p", "TimeoutStartSec=60"];
    await guest.run(["systemd-run", ...unit, "/usr/local/bin/etcd", "--config-file", "/etc/etcd.yaml"].join(" "));
  }

  /** Name of the guest whose member leads, once all that are on agree on it. */
  async leader(timeoutMs = 15_000): Promise<string> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      const on = this.client.endpoints.filter(({ name }) => this.lab.guest(name).running);
      const answers = await Promise.all(on.map(({ url }) => this.status(url)));
      const leaders = new Set(answers.map((answer) => answer?.leader));
      const leader = on.find((_, i) => answers[i] && answers[i].member === answers[i].leader);
      if (leaders.size === 1 && leader) return leader.name;
      await sleep(200);
    }
    throw new Error(`the plain etcd cluster agreed on no leader within ${timeoutMs} ms`);
  }

  /** Runs `etcdctl` on the lab's host. @returns what it prints */
  async etcdctl(url: string, ...args: string[]): Promise<string> {
    const { ca, cert, key } = this.client.tls;
    const options = ["--cacert", ca, "--cert", cert, "--key", key, "--command-timeout", "2s"];
    const etcdctl = ["etcdctl", "--endpoints", url, ...options, ...args];
    return (await this.lab.exec(etcdctl, { env: this.lab.pulumiEnv(), timeoutMs: 5000 })).stdout;
  }

  private async status(url: string): Promise<{ member: string; leader: string } | undefined> {
    try {
      const stdout = await this.etcdctl(url, "-w", "fields", "endpoint", "status");
      const field = (name: string) => new RegExp(`^"${name}" : (\\d+)$`, "m").exec(stdout)?.[1] ?? "";
      return { member: field("MemberID"), leader: field("Leader") };
    } catch (error) {
      if (error instanceof CommandError) return undefined;
      throw error;
    }
  }
}

/** One authority; one certificate that servers, peers and clients all show. */
async function makeCertificates(lab: Lab, guests: readonly Guest[]): Promise<EtcdClient["tls"]> {
  const folder = join(lab.folder, "plain-etcd");
  await mkdir(folder, { recursive: true });
  const [ca, caKey, cert, key] = ["ca.crt", "ca.key", "etcd.crt", "etcd.key"].map((file) => join(folder, file));
  const request = [
    "openssl",
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "30",
  ];
  await run([...request, "-subj", "/CN=plain-etcd-ca", "-keyout", `${caKey}`, "-out", `${ca}`]);
  const addresses = guests.flatMap(({ spec }) => [spec.frontend, spec.backend]).map((address) => `IP:${address}`);
  const names = ["-addext", `subjectAltName=${addresses.join()},IP:127.0.0.1`, "-addext", "basicConstraints=CA:false"];
  const signed = ["-CA", `${ca}`, "-CAkey", `${caKey}`, "-subj", "/CN=plain-etcd", ...names];
  await run([...request, ...signed, "-keyout", `${key}`, "-out", `${cert}`]);
  return { ca: `${ca}`, cert: `${cert}`, key: `${key}` };
}

async function install(lab: Lab, guest: Guest, guests: readonly Guest[]): Promise<void> {
  const { backend, frontend } = guest.spec;
  const peers = guests.map(({ name, spec }) => `${name}=https://${spec.backend}:2380`);
  const tls = {
    "trusted-ca-file": "/etc/etcd/ca.crt",
    "cert-file": "/etc/etcd/etcd.crt",
    "key-file": "/etc/etcd/etcd.key",
  };
  const config = {
    name: guest.name,
    "data-dir": "/var/lib/etcd",
    "listen-client-urls": `https://${frontend}:2379,https://127.0.0.1:2379`,
    "advertise-client-urls": `https://${frontend}:2379`,
    "listen-peer-urls": `https://${backend}:2380`,
    "initial-advertise-peer-urls": `https://${backend}:2380`,
    "initial-cluster": peers.join(),
    "initial-cluster-token": "plain-etcd",
    "initial-cluster-state": "new",
    "heartbeat-interval": 100,
    "election-timeout": 1000,
    "client-transport-security": { ...tls, "client-cert-auth": true },
    "peer-transport-security": { ...tls, "client-cert-auth": true },
  };
  const local = join(lab.folder, "plain-etcd");
  for (const file of ["ca.crt", "etcd.crt", "etcd.key"])
    await guest.run(`install -d -m 700 /etc/etcd && cat >/etc/etcd/${file}`, {
      input: await readFile(join(local, file), "utf8"),
    });
  await guest.run("cat >/etc/etcd.yaml", { input: stringify(config) });
  const archive = `/opt/bundle/${lab.toolchain.etcdRelease.file.split("/").at(-1)}`;
  await guest.run(`tar -xzf ${archive} -C /usr/local/bin --strip-components=1 --no-same-owner`);
}
