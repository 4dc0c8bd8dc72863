import { setTimeout as sleep } from "node:timers/promises";
import ssh2, { type Client, type ConnectConfig, type ServerHostKeyAlgorithm } from "ssh2";
import type { Context } from "./resource.ts";

/** The input `connection` of a remote resource, defaults filled in. */
export interface Connection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  /** PEM or OpenSSH text. */
  readonly privateKey?: string;
  readonly privateKeyPassword?: string;
  readonly agentSocketPath?: string;
  /** Failed dials after which the next failure is final; -1 = no limit. */
  readonly dialErrorLimit: number;
  /** Seconds; 0 = no limit. */
  readonly perDialTimeout: number;
  /** One line of an authorized_keys file. Without it any host is believed. */
  readonly hostKey?: string;
}

export const connectionDefaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

/**
 * The names of a connection's fields. `proxy` is missing: no part of the product uses it, and a silently ignored proxy would dial the wrong
 * machine.
 */
export const connectionFields = [
  "host",
  "port",
  "user",
  "password",
  "privateKey",
  "privateKeyPassword",
  "agentSocketPath",
  "dialErrorLimit",
  "perDialTimeout",
  "hostKey",
];

/** A machine that answers none of these in a row counts as dead. The real plugin sends no keepalives and would wait for ever. */
const keepalive = { intervalMs: 5_000, unanswered: 5 };
/** The connection is given up when the next one would be due. */
export const keepaliveLimitMs = keepalive.intervalMs * (keepalive.unanswered + 1);

const firstDelayMs = 100;
const delayFactor = 1.5;
const longestDelayMs = 5_000;

/**
 * An open connection, after as many dials as the limit allows. The caller ends it.
 *
 * @throws Error with the reason of the last dial, or that of the context (time limit, cancellation)
 */
export async function dial(connection: Connection, context: Context): Promise<Client> {
  const config = connectConfig(connection);
  let delayMs = firstDelayMs;
  for (let failures = 1; ; failures++) {
    try {
      return await dialOnce(config);
    } catch (error) {
      const limit = connection.dialErrorLimit;
      if (limit > -1 && failures > limit)
        throw new Error(`after ${failures - 1} failed attempts: ${(error as Error).message}`);
      context.log(`Dial ${failures}/${limit === -1 ? "inf" : limit} failed: retrying`);
    }
    try {
      await sleep(delayMs, undefined, { signal: context.signal });
    } catch {
      throw new Error(context.signal.reason === "cancelled" ? "context canceled" : "context deadline exceeded");
    }
    delayMs = Math.min(delayMs * delayFactor, longestDelayMs);
  }
}

function connectConfig(connection: Connection): ConnectConfig {
  const config: ConnectConfig = {
    host: connection.host,
    port: connection.port,
    username: connection.user,
    readyTimeout: connection.perDialTimeout * 1000,
    keepaliveInterval: keepalive.intervalMs,
    keepaliveCountMax: keepalive.unanswered,
  };
  const agent = connection.agentSocketPath ?? process.env.SSH_AUTH_SOCK;
  if (connection.privateKey !== undefined) Object.assign(config, privateKeyConfig(connection));
  // The real plugin offers the agent only where it has no key of its own.
  else if (agent) config.agent = agent;
  if (connection.password !== undefined) {
    config.password = connection.password;
    config.tryKeyboard = true;
  }
  if (connection.hostKey !== undefined) {
    const [type, blob] = parseHostKey(connection.hostKey);
    config.algorithms = { serverHostKey: [type] };
    config.hostVerifier = (key: Buffer) => key.equals(blob);
  }
  return config;
}

function privateKeyConfig({ privateKey, privateKeyPassword }: Connection): ConnectConfig {
  // The library's message can quote the text that it could not read.
  if (ssh2.utils.parseKey(privateKey as string, privateKeyPassword) instanceof Error)
    throw new Error("ssh: no key found");
  const config: ConnectConfig = { privateKey: privateKey as string };
  if (privateKeyPassword !== undefined) config.passphrase = privateKeyPassword;
  return config;
}

function parseHostKey(line: string): [ServerHostKeyAlgorithm, Buffer] {
  const key = ssh2.utils.parseKey(line);
  if (key instanceof Error) throw new Error("failed to parse host key: ssh: no key found");
  return [key.type as ServerHostKeyAlgorithm, key.getPublicSSH()];
}

function dialOnce(config: ConnectConfig): Promise<Client> {
  return new Promise((resolve, reject) => {
    const client = new ssh2.Client();
    const fail = (error?: Error & { level?: string; code?: string }) => {
      client.destroy();
      reject(new Error(dialProblem(config, error)));
    };
    client.once("ready", () => {
      client.off("error", fail).off("close", fail);
      // Whoever uses the connection sees its end; a late error must not end the process.
      client.on("error", () => {});
      resolve(client);
    });
    client.on("error", fail).on("close", () => fail());
    client.on("keyboard-interactive", (_name, _instructions, _language, prompts, answer) =>
      answer(prompts.map(() => config.password ?? "")),
    );
    client.connect(config);
  });
}

/** The texts of the real plugin, by which people and programs know these failures. */
function dialProblem(config: ConnectConfig, error?: Error & { level?: string; code?: string }): string {
  const tcp = `dial tcp ${config.host}:${config.port}:`;
  if (!error) return "ssh: handshake failed: EOF";
  if (error.code === "ECONNREFUSED") return `${tcp} connect: connection refused`;
  if (error.code === "EHOSTUNREACH") return `${tcp} connect: no route to host`;
  if (error.level === "client-timeout") return `${tcp} i/o timeout`;
  if (error.level === "client-authentication")
    return "ssh: handshake failed: ssh: unable to authenticate, no supported methods remain";
  if (error.message.includes("Host denied")) return "ssh: handshake failed: ssh: host key mismatch";
  if (error.level === "handshake" || error.level === "protocol") return `ssh: handshake failed: ${error.message}`;
  return `${tcp} ${error.message}`;
}
