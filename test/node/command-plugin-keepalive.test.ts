import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PluginProcess } from "./plugin-process.ts";
import { type Sshd, startSshd } from "./sshd.ts";

let sshd: Sshd;
let plugin: PluginProcess;

beforeAll(async () => {
  sshd = await startSshd();
  plugin = await PluginProcess.start(
    new URL("../lab/command-plugin/bin/pulumi-resource-command", import.meta.url).pathname,
  );
  await plugin.configure();
}, 30_000);

afterAll(async () => {
  await plugin?.stop();
  await sshd?.stop();
});

test("a host that dies in the middle of a command is noticed within half a minute", { timeout: 60_000 }, async () => {
  const link = await startLink(sshd.port);
  const { user, privateKey, hostKey } = sshd;
  const connection = {
    host: "127.0.0.1",
    port: link.port,
    user,
    privateKey,
    hostKey,
    dialErrorLimit: 0,
    perDialTimeout: 5,
  };
  const urn = "urn:pulumi:s::p::command:remote:Command::long";
  const running = plugin.create(urn, { connection, create: "echo begun; sleep 300" });
  const outcome = running.catch((error) => error.message);
  await expect.poll(() => plugin.messages.map(({ text }) => text), { timeout: 10_000 }).toContain("begun");
  link.freeze();
  expect(await outcome).toBe(
    'connection lost, no answer to keepalives for 30 s: running "echo begun; sleep 300":\nbegun\n',
  );
  link.stop();
});

/** A way to `port` that can be made to swallow everything, as a pulled cable does. */
async function startLink(port: number): Promise<{ port: number; freeze: () => void; stop: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    near.on("error", () => {}).pipe(far);
    far.on("error", () => {}).pipe(near);
    sockets.push(near, far);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    stop: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
