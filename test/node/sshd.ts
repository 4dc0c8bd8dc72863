import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import ssh2 from "ssh2";

/** An OpenSSH server of this test's own: loopback, its own keys, login as the user who runs the test. */
export interface Sshd {
  readonly port: number;
  readonly user: string;
  /** Private key that may log in. */
  readonly privateKey: string;
  /** As in an authorized_keys file. */
  readonly hostKey: string;
  /** A scratch folder that goes with the server. */
  readonly folder: string;
  /** Everything that the server has logged so far. */
  log(): string;
  stop(): Promise<void>;
}

export interface KeyPair {
  readonly private: string;
  readonly public: string;
}

export function newKey(): KeyPair {
  return ssh2.utils.generateKeyPairSync("ed25519");
}

const program = "/usr/sbin/sshd";

export async function startSshd(): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), "tandem-sshd-"));
  const [host, client] = [newKey(), newKey()];
  const port = await freePort();
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content, { mode: 0o600 });
    return join(folder, name);
  };
  const config = file(
    "sshd_config",
    [
      `Port ${port}`,
      "ListenAddress 127.0.0.1",
      `HostKey ${file("host_key", host.private)}`,
      `AuthorizedKeysFile ${file("authorized_keys", `${client.public}\n`)}`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "MaxStartups 100",
      "Subsystem sftp internal-sftp",
      "LogLevel VERBOSE",
      "",
    ].join("\n"),
  );
  // Its privilege separation wants this folder, which the distribution makes only when it starts the service.
  if (userInfo().uid === 0) mkdirSync("/run/sshd", { recursive: true });
  const process = spawn(program, ["-D", "-e", "-f", config], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  process.stderr?.on("data", (chunk) => {
    log += chunk;
  });
  process.on("error", (error) => {
    log += `${program}: ${error.message}; install the package openssh-server`;
  });
  await listening(process, () => log);
  return {
    port,
    user: userInfo().username,
    privateKey: client.private,
    hostKey: host.public,
    folder,
    log: () => log,
    stop: async () => {
      process.kill();
      if (process.exitCode === null && process.signalCode === null) await once(process, "exit");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function listening(process: ChildProcess, log: () => string): Promise<void> {
  const giveUp = Date.now() + 10_000;
  while (!log().includes("Server listening")) {
    if (process.exitCode !== null || process.pid === undefined || Date.now() > giveUp)
      throw new Error(`sshd does not listen: ${log()}`);
    await sleep(20);
  }
}

/** A port on loopback where nothing listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** A TCP server that takes connections and never says a word. */
export async function startSilentServer(): Promise<{ port: number; stop: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on("error", () => {}))).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
