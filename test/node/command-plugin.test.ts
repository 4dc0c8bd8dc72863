import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runtime } from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { PluginProcess } from "./plugin-process.ts";
import { freePort, newKey, type Sshd, startSilentServer, startSshd } from "./sshd.ts";

const launcher = new URL("../lab/command-plugin/bin/pulumi-resource-command", import.meta.url).pathname;
const remote = "urn:pulumi:s::p::tandem:host:Host$command:remote:Command::motd";
const local = "urn:pulumi:s::p::command:local:Command::here";
const copy = "urn:pulumi:s::p::command:remote:CopyToRemote::file";

// An SSH handshake takes a second on a machine that is busy with other tests.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 30_000 });

let sshd: Sshd;
let plugin: PluginProcess;

beforeAll(async () => {
  sshd = await startSshd();
  plugin = await PluginProcess.start(launcher);
  await plugin.configure();
});

afterAll(async () => {
  await plugin?.stop();
  await sshd?.stop();
});

/** A connection that works, with whatever a test changes in it. */
function connection(changes: object = {}) {
  const { port, user, privateKey, hostKey } = sshd;
  return { host: "127.0.0.1", port, user, privateKey, hostKey, dialErrorLimit: 0, perDialTimeout: 5, ...changes };
}

function secret(value: unknown) {
  return { [runtime.specialSigKey]: runtime.specialSecretSig, value };
}

function asset(fields: object) {
  return { [runtime.specialSigKey]: runtime.specialAssetSig, ...fields };
}

const stdout = async (inputs: object) =>
  (await plugin.create(remote, { connection: connection(), ...inputs })).state.stdout;
const failure = (inputs: object) =>
  plugin.create(remote, { connection: connection(), ...inputs }).then(
    () => "",
    (error) => error.message as string,
  );

describe("the engine's questions", () => {
  test("it says once that it is the stand-in", async () => {
    expect(plugin.messages.filter(({ text }) => text.includes("stand-in"))).toHaveLength(1);
  });

  test("check fills in the connection's defaults and marks it secret", async () => {
    const { inputs, failures } = await plugin.check(remote, { connection: { host: "h" }, create: "true" });
    expect(failures).toEqual([]);
    expect(inputs.connection).toEqual(
      secret({ host: "h", user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 }),
    );
  });

  test("check names missing and mistyped properties, never a value", async () => {
    const { failures } = await plugin.check(remote, {
      connection: secret({ hots: "h", privatKey: "KEYTEXT" }),
      logging: "loud",
      crate: "x",
    });
    expect(failures).toHaveLength(5);
    expect(failures.join()).toContain("connection.host: Missing required property 'connection.host'");
    expect(failures.join()).toContain("connection.privatKey: the stand-in of the command plugin has no field");
    expect(failures.join()).toContain('logging: is "loud"; allowed are none, stdout, stderr, stdoutAndStderr');
    expect(failures.join()).not.toContain("KEYTEXT");
    expect((await plugin.check(remote, { create: "true" })).failures).toEqual([
      "connection: Missing required property 'connection'",
    ]);
  });

  test("check accepts a connection that is not known yet", async () => {
    const { inputs, failures } = await plugin.check(remote, { connection: secret(runtime.unknownValue) });
    expect(failures).toEqual([]);
    expect(inputs.connection).toEqual(secret(runtime.unknownValue));
  });

  test("changed triggers replace, anything else updates, secrecy alone changes nothing", async () => {
    const olds = { create: "a", stdin: "x", triggers: [1], connection: secret(connection()) };
    const diff = (changes: object) => plugin.diff(remote, olds, { ...olds, ...changes });
    expect(await diff({})).toMatchObject({ diffs: [], replaces: [], changes: 1 });
    expect(await diff({ stdin: secret("x") })).toMatchObject({ diffs: [], changes: 1 });
    expect(await diff({ triggers: [2] })).toMatchObject({ diffs: ["triggers"], replaces: ["triggers"], changes: 2 });
    expect(await diff({ stdin: "y", connection: secret(connection({ host: "other" })) })).toMatchObject({
      diffs: ["stdin", "connection"],
      replaces: [],
      changes: 2,
    });
  });

  test("a preview contacts nobody and leaves the outputs unknown", async () => {
    const port = await freePort();
    const { state } = await plugin.create(
      remote,
      { connection: connection({ port }), create: "true" },
      { preview: true },
    );
    expect(state).toMatchObject({
      create: "true",
      stdout: runtime.unknownValue,
      stderr: runtime.unknownValue,
      connection: secret(connection({ port })),
    });
  });
});

describe("a remote command", () => {
  test("gives its outputs without the last newline, and its lines to the log beside the resource", async () => {
    const { id, state } = await plugin.create(remote, {
      connection: connection(),
      create: "echo one; echo two; echo oops >&2",
    });
    expect(id).toMatch(/^motd[0-9a-f]{8}$/);
    expect(state).toMatchObject({ stdout: "one\ntwo", stderr: "oops", connection: secret(connection()) });
    expect(plugin.messages).toContainEqual({ text: "two", urn: remote });
    expect(plugin.messages).toContainEqual({ text: "oops", urn: remote });
  });

  test("logs nothing with logging none", async () => {
    expect(await stdout({ create: "echo unseen", logging: "none" })).toBe("unseen");
    expect(plugin.messages.map(({ text }) => text)).not.toContain("unseen");
  });

  test("sends standard input to create, update and delete", async () => {
    const file = join(sshd.folder, "verbs");
    const inputs = {
      connection: connection(),
      stdin: secret("in\n"),
      create: `(echo create; cat) >>${file}`,
      update: `(echo update; cat) >>${file}`,
      delete: `(echo delete; cat) >>${file}`,
    };
    const { state } = await plugin.create(remote, inputs);
    expect(state.stdin).toEqual(secret("in\n"));
    const updated = await plugin.update(remote, state, inputs);
    await plugin.delete(remote, updated);
    expect(readFileSync(file, "utf8")).toBe("create\nin\nupdate\nin\ndelete\nin\n");
  });

  test("updates by create where it has no update, and keeps its outputs where it has neither", async () => {
    const inputs = { connection: connection(), create: "echo made" };
    expect((await plugin.update(remote, { stdout: "old" }, inputs)).stdout).toBe("made");
    expect((await plugin.update(remote, { stdout: "old" }, { connection: connection() })).stdout).toBe("old");
    expect((await plugin.create(remote, { connection: connection() })).state.stdout).toBe("");
    await plugin.delete(remote, inputs);
  });

  test("fails with the command and what it printed, without its standard input", async () => {
    expect(await failure({ create: 'echo "said"; echo why >&2; exit 3', stdin: secret("TOPSECRET") })).toBe(
      'Process exited with status 3: running "echo \\"said\\"; echo why >&2; exit 3":\nsaid\nwhy\n',
    );
  });

  test("names the signal that killed it", async () => {
    expect(await failure({ create: "echo begun; kill -KILL $$" })).toBe(
      'Process exited with status 137 from signal KILL: running "echo begun; kill -KILL $$":\nbegun\n',
    );
  });

  test("prints and reads more than 64 KiB, in one line", async () => {
    const long = "x".repeat(300_000);
    expect(await stdout({ create: "cat", stdin: long })).toBe(long);
  });

  test("runs beside others, and its connection is closed after it", async () => {
    const barrier = join(sshd.folder, "barrier");
    mkdirSync(barrier);
    // Each waits until all six run.
    const command = `touch ${barrier}/$(cat); while [ $(ls ${barrier} | wc -l) -lt 6 ]; do sleep 0.05; done; echo met`;
    const outputs = await Promise.all([1, 2, 3, 4, 5, 6].map((n) => stdout({ create: command, stdin: `${n}` })));
    expect(outputs).toEqual(Array(6).fill("met"));
    await expect.poll(() => established(sshd.port), { timeout: 5_000 }).toBe(0);
  });
});

describe("a connection", () => {
  test("to a host with another key is refused", async () => {
    expect(await failure({ create: "true", connection: connection({ hostKey: newKey().public }) })).toBe(
      "after 0 failed attempts: ssh: handshake failed: ssh: host key mismatch",
    );
  });

  test("without a host key believes any host", async () => {
    const { hostKey: _, ...unchecked } = connection();
    expect(await stdout({ create: "echo in", connection: unchecked })).toBe("in");
  });

  test("with an unreadable host key or private key fails at once, without the text", async () => {
    const limits = { dialErrorLimit: -1 };
    expect(await failure({ create: "true", connection: connection({ ...limits, hostKey: "nonsense" }) })).toBe(
      "failed to parse host key: ssh: no key found",
    );
    expect(await failure({ create: "true", connection: connection({ ...limits, privateKey: "NOTAKEY" }) })).toBe(
      "ssh: no key found",
    );
  });

  test("with a key that may not log in is refused", async () => {
    expect(await failure({ create: "true", connection: connection({ privateKey: newKey().private }) })).toBe(
      "after 0 failed attempts: ssh: handshake failed: ssh: unable to authenticate, no supported methods remain",
    );
  });

  test("to a closed port is tried as often as the limit says, with growing delays", async () => {
    const port = await freePort();
    const begin = Date.now();
    expect(await failure({ create: "true", connection: connection({ port, dialErrorLimit: 3 }) })).toBe(
      `after 3 failed attempts: dial tcp 127.0.0.1:${port}: connect: connection refused`,
    );
    const tookMs = Date.now() - begin;
    expect(tookMs).toBeGreaterThan(100 + 150 + 225 - 5);
    expect(tookMs).toBeLessThan(5_000);
    expect(plugin.messages).toContainEqual({ text: "Dial 3/3 failed: retrying", urn: remote });
  });

  test("to a host that says nothing ends with the time limit of a dial", async () => {
    const silent = await startSilentServer();
    try {
      expect(await failure({ create: "true", connection: connection({ port: silent.port, perDialTimeout: 1 }) })).toBe(
        `after 0 failed attempts: dial tcp 127.0.0.1:${silent.port}: i/o timeout`,
      );
    } finally {
      silent.stop();
    }
  });

  test("without a limit of dials ends with the resource's own time limit", async () => {
    const inputs = { create: "true", connection: connection({ port: await freePort(), dialErrorLimit: -1 }) };
    await expect(plugin.create(remote, inputs, { timeoutSeconds: 1 })).rejects.toThrow("context deadline exceeded");
  });

  test("ends when the user cancels", async () => {
    const another = await PluginProcess.start(launcher);
    const inputs = { create: "true", connection: connection({ port: await freePort(), dialErrorLimit: -1 }) };
    const waiting = expect(another.create(remote, inputs)).rejects.toThrow("context canceled");
    await expect.poll(() => another.messages.length).toBeGreaterThan(0);
    await another.cancel();
    await waiting;
    await another.stop();
  });
});

describe("a local command", () => {
  test("runs here, by the same contract", async () => {
    const { state } = await plugin.create(local, {
      create: 'echo "$GREETING $(cat) $PWD"',
      environment: { GREETING: "hello" },
      stdin: "you",
      dir: sshd.folder,
    });
    expect(state).toMatchObject({ stdout: `hello you ${sshd.folder}`, stderr: "" });
    expect(state).not.toHaveProperty("connection");
    await expect(plugin.create(local, { create: "echo no; exit 4" })).rejects.toThrow(
      'exit status 4: running "echo no; exit 4":\nno\n',
    );
  });

  test("sees what its last run printed, unless told otherwise", async () => {
    const update = { update: 'echo "<$PULUMI_COMMAND_STDOUT>"' };
    expect((await plugin.update(local, { stdout: "before" }, update)).stdout).toBe("<before>");
    const unseen = { ...update, addPreviousOutputInEnv: false };
    expect((await plugin.update(local, { stdout: "before" }, unseen)).stdout).toBe("<>");
  });
});

describe("a copy", () => {
  test("writes text and makes the folders above it", async () => {
    const remotePath = join(sshd.folder, "a/b/text");
    await plugin.create(copy, { connection: connection(), remotePath, source: asset({ text: "hello\n", hash: "1" }) });
    expect(readFileSync(remotePath, "utf8")).toBe("hello\n");
  });

  test("writes a file into an existing folder under its own name, and a folder with all that is in it", async () => {
    const source = join(sshd.folder, "source");
    mkdirSync(join(source, "inner"), { recursive: true });
    writeFileSync(join(source, "inner/deep"), "deep");
    const remotePath = join(sshd.folder, "target");
    mkdirSync(remotePath);
    const archive = { [runtime.specialSigKey]: runtime.specialArchiveSig, path: source, hash: "1" };
    await plugin.create(copy, { connection: connection(), remotePath, source: archive });
    expect(readFileSync(join(remotePath, "source/inner/deep"), "utf8")).toBe("deep");
    const file = asset({ path: join(source, "inner/deep"), hash: "2" });
    await plugin.create(copy, { connection: connection(), remotePath, source: file });
    expect(readFileSync(join(remotePath, "deep"), "utf8")).toBe("deep");
  });

  test("copies again for a new content or path, not for a new host", async () => {
    const remotePath = join(sshd.folder, "again");
    const inputs = (hash: string) => ({ connection: connection(), remotePath, source: asset({ text: hash, hash }) });
    await plugin.update(copy, inputs("1"), inputs("1"));
    expect(existsSync(remotePath)).toBe(false);
    await plugin.update(copy, inputs("1"), inputs("2"));
    expect(readFileSync(remotePath, "utf8")).toBe("2");
  });

  test("to a path where a file is in the way fails with the path", async () => {
    const inputs = { connection: connection(), source: asset({ text: "x", hash: "1" }) };
    const remotePath = join(sshd.folder, "sshd_config", "below");
    await expect(plugin.create(copy, { ...inputs, remotePath })).rejects.toThrow(
      `remote path ${join(sshd.folder, "sshd_config")} exists but is not a directory`,
    );
    await expect(plugin.create(copy, { ...inputs, remotePath: sshd.folder })).rejects.toThrow(
      `remote path ${sshd.folder} is a directory; when using a text asset, remotePath must be a file path`,
    );
  });

  test("needs a source", async () => {
    const { failures } = await plugin.check(copy, { connection: connection(), remotePath: "/x", source: {} });
    expect(failures).toEqual(["asset: either asset or archive must be set"]);
  });
});

/** Connections to this port that are open on either side. */
function established(port: number): number {
  const lines = execFileSync("ss", ["-Htn", "state", "established", `( sport = :${port} )`], { encoding: "utf8" });
  return lines.split("\n").filter(Boolean).length;
}
