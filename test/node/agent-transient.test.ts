import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  copyFileSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { stringify } from "yaml";
import { areOutdated } from "../../components/arbiter/agent/linux/t-settings.ts";
import { dismissT, prepareT, startT } from "../../components/arbiter/agent/linux/transient.ts";
import { isWaiting, readT, tProcess } from "../../components/arbiter/agent/linux/units.ts";
import { T_PROCESSES, T_SETTINGS, T_STARTED_WITH } from "../../components/arbiter/agent/paths.ts";
import { DOWN, type Local } from "../../components/arbiter/agent/world.ts";
import { formatSentinel } from "../../components/cli/volume/sentinel.ts";
import { ensureToolchain } from "../lab/toolchain.ts";
import { eventually } from "./etcd-cluster.ts";

const sandbox = await vi.hoisted(async () => new (await import("./sandbox.ts")).Sandbox());
vi.mock("../../components/arbiter/agent/paths.ts", async (load) => ({
  ...(await load<object>()),
  T_SETTINGS: `${sandbox.root}/transient.yaml`,
  T_STARTED_WITH: `${sandbox.root}/run/config`,
  T_PROCESSES: `${sandbox.root}/cgroup.procs`,
}));

const at = (path: string) => `${sandbox.root}${path}`;
const peerUrl = "http://127.77.3.11:2382";
const clientUrl = "http://127.77.3.11:2383";
const volume = "/var/lib/etcd-transient";
const data = at(`${volume}/data`);
const [log, exitCode] = [at("/log"), at("/exit")];
const path = process.env.PATH;
/** Who T runs as: not the tests' own user, if that one has rights. */
const user = process.getuid?.() === 0 ? 65_534 : null;

/** T as a cluster of its own. */
const settings = stringify({
  name: "T",
  "data-dir": data,
  "listen-peer-urls": peerUrl,
  "initial-advertise-peer-urls": peerUrl,
  "listen-client-urls": clientUrl,
  "advertise-client-urls": clientUrl,
  "initial-cluster": `T=${peerUrl}`,
  logger: "zap",
  "log-outputs": ["stderr"],
});

/** As far as T's unit goes: a user without rights, in `/`. */
function stubSystemd(): void {
  const drop = user === null ? "" : `setpriv --reuid=${user} --regid=${user} --clear-groups`;
  sandbox.stub(
    "systemctl",
    `case $1 in
start)
    rm -f '${exitCode}'
    {
        ${drop} sh -c 'cd / && exec "$@"' - '${at("/etcd")}' --config-file '${T_STARTED_WITH}' &
        echo $! >'${T_PROCESSES}'
        wait $!
        echo $? >'${exitCode}.new'
        : >'${T_PROCESSES}'
        mv '${exitCode}.new' '${exitCode}'
    } >>'${log}' 2>&1 &
    until [ -s '${T_PROCESSES}' ]; do sleep 0.01; done
    ;;
stop)
    xargs -r kill <'${T_PROCESSES}'
    until [ -e '${exitCode}' ]; do sleep 0.01; done
    ;;
esac`,
  );
}

beforeAll(async () => {
  const { path: tools } = await ensureToolchain();
  chmodSync(sandbox.root, 0o755);
  copyFileSync(join(tools.at(-1) ?? "", "etcd"), at("/etcd"));
  // Read by the shells that the agent starts its tools with.
  process.env.PATH = `${sandbox.root}/stubs:${path}`;
  // The group is a node's.
  const group = user ?? process.getgid?.();
  sandbox.stub("install", `exec /usr/bin/install "\${@/#--group=*/--group=${group}}"`);
  sandbox.write("/proc/self/mountinfo", `98 36 147:10 / ${volume} rw - ext4 /dev/drbd10 rw\n`);
  sandbox.write(`${volume}/tandem.json`, formatSentinel({ site: "store-0042", state: "new" }));
  writeFileSync(T_SETTINGS, settings);
}, 1_800_000);

beforeEach(() => {
  for (const file of ["/calls", "/log", "/cgroup.procs"]) sandbox.write(file, "");
  stubSystemd();
  rmSync(data, { recursive: true, force: true });
  mkdirSync(data, { mode: 0o700 });
  if (user !== null) chownSync(data, user, user);
});

afterEach(async () => {
  for (const pid of pids()) process.kill(pid, "SIGKILL");
  await eventually(async () => expect(pids()).toEqual([]));
});

afterAll(() => {
  process.env.PATH = path;
  sandbox.dispose();
});

const node = { site: "store-0042", minor: 10, root: sandbox.root };
const local: Local = {
  volume: { ...DOWN, role: "Primary", disk: "UpToDate", connection: "Connected" },
  door: "open",
  mounted: true,
  t: "dead",
  tOutdated: false,
  disarmed: [],
};
const start = (change: Partial<Local["volume"]> = {}) =>
  startT(node, async () => ({ ...local, volume: { ...local.volume, ...change } }));

const pids = () => readFileSync(T_PROCESSES, "utf8").split("\n").filter(Boolean).map(Number);
/** What the program has open. */
function open(): string[] {
  const folder = `/proc/${pids()[0]}/fd`;
  return readdirSync(folder).flatMap((fd) => {
    try {
      return [readlinkSync(join(folder, fd))];
    } catch {
      return [];
    }
  });
}
/** Its sockets of the network; the one it has for the journal is none. */
function sockets(): string[] {
  const table = ["tcp", "tcp6", "udp", "udp6"].flatMap((protocol) =>
    readFileSync(`/proc/net/${protocol}`, "utf8").trim().split("\n").slice(1),
  );
  const inodes = table.map((line) => `socket:[${line.trim().split(/\s+/)[9]}]`);
  return open().filter((file) => inodes.includes(file));
}
const dataFiles = () => readdirSync(data);
const isFifo = () => lstatSync(T_STARTED_WITH).isFIFO();

/** Opens the FIFO's other end as the agent does, once the program asks for its configuration. */
const openFifo = () =>
  eventually(async () => openSync(T_STARTED_WITH, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW));

async function answers(): Promise<void> {
  const asked = await fetch(`${clientUrl}/health`, { signal: AbortSignal.timeout(2000) });
  expect(await asked.json()).toMatchObject({ health: "true" });
}

/** Loaded, and given time to do what it must not do. */
async function load(): Promise<void> {
  expect(await prepareT()).toMatchObject({ ok: true });
  await eventually(async () => expect(readlinkSync(`/proc/${pids()[0]}/exe`)).toBe(at("/etcd")));
  await pause(700);
}

function expectIdle(): void {
  expect(isWaiting()).toBe(true);
  expect(tProcess()).toBe("running");
  expect(readT()).toBe("dead");
  expect(sockets()).toEqual([]);
  expect(dataFiles()).toEqual([]);
}

describe("T that is loaded ahead", () => {
  test("waits without a listener and without data, and counts as dead", async () => {
    await load();
    expectIdle();
  });

  test("goes on with its settings, and counts as running from then on", async () => {
    await load();
    expect(await start()).toMatchObject({ ok: true });
    expect(isFifo()).toBe(false);
    expect(readT()).toBe("running");
    expect(areOutdated(T_SETTINGS, T_STARTED_WITH)).toBe(false);
    await eventually(answers);
    expect(sockets()).not.toEqual([]);
    expect(dataFiles()).toContain("member");
    expect(sandbox.callsOf("systemctl")).toEqual(["systemctl start etcd-transient.service"]);
  });

  test("is loaded by the start where nothing was begun ahead", async () => {
    expect(await start()).toMatchObject({ ok: true });
    await eventually(answers);
  });

  test("asked for twice at once, and again, is loaded once", async () => {
    expect(await Promise.all([prepareT(), prepareT()])).toMatchObject([{ ok: true }, { ok: true }]);
    expect(await prepareT()).toMatchObject({ ok: true });
    expect(sandbox.callsOf("systemctl")).toEqual(["systemctl start etcd-transient.service"]);
  });

  test("is dismissed while it waits, also before it is loaded, and can be loaded again", async () => {
    const preparing = prepareT();
    await dismissT();
    expect(await preparing).toMatchObject({ ok: true });
    expect(tProcess()).toBe("dead");
    expect(dataFiles()).toEqual([]);
    await load();
    expectIdle();
    expect(await start()).toMatchObject({ ok: true });
    await eventually(answers);
  });

  test("is neither dismissed nor loaded again once it works", async () => {
    expect(await start()).toMatchObject({ ok: true });
    await dismissT();
    expect(await prepareT()).toMatchObject({ ok: false, why: "T is running" });
    expect(sandbox.callsOf("systemctl")).toEqual(["systemctl start etcd-transient.service"]);
    await eventually(answers);
  });

  test("gets no settings while something speaks against it", async () => {
    await load();
    const refused = await start({ role: "Secondary" });
    expect(refused).toMatchObject({
      ok: false,
      why: "T is not started: etcd-t is not Primary, or its I/O is suspended",
    });
    // Its first read has ended: it must not be given half of its settings.
    expect(tProcess()).toBe("dead");
    expect(await start()).toMatchObject({ ok: true });
    await eventually(answers);
  });

  test("that ends before it reads its settings is told of at once", async () => {
    sandbox.stub("systemctl", "exit 0");
    expect((await start()).why).toContain("etcd-transient.service ended before it read its configuration");
    expect(isFifo()).toBe(true);
  });
});

describe("etcd of this version", () => {
  test("reads its file twice: a FIFO that stays in its place lets it wait once more", async () => {
    await load();
    for (const time of ["first", "second"]) {
      expectIdle();
      const fifo = await openFifo();
      await eventually(async () => expect(open(), time).toContain(T_STARTED_WITH));
      writeSync(fifo, settings);
      closeSync(fifo);
      await eventually(async () => expect(open(), time).not.toContain(T_STARTED_WITH));
      if (time === "first") await pause(300);
    }
    await eventually(answers);
  });
});

describe("an agent that dies with the FIFO open", () => {
  const root = () => readdirSync("/").sort();
  const leavesNothing = async (before: string[]) => {
    await eventually(async () => expect(Number(readFileSync(exitCode, "utf8"))).toBeGreaterThan(0));
    expect(readFileSync(log, "utf8")).toMatch(/permission denied|address already in use/);
    expect(readT()).toBe("dead");
    expect(root()).toEqual(before);
    expect(dataFiles()).toEqual([]);
  };
  const dies = async (meanwhile: () => void) => {
    const fifo = await openFifo();
    await eventually(async () => expect(open()).toContain(T_STARTED_WITH));
    meanwhile();
    closeSync(fifo);
  };

  test("leaves a T that waits on; the next agent's settings end it, and a second start succeeds", async () => {
    const before = root();
    await load();
    await dies(() => {});
    await eventually(async () => expect(open()).not.toContain(T_STARTED_WITH));
    await pause(300);
    expectIdle();
    expect(await start()).toMatchObject({ ok: true });
    await leavesNothing(before);
    expect(await start()).toMatchObject({ ok: true });
    await eventually(answers);
  });

  test("after it has replaced it, leaves a T that ends; the next agent's start succeeds", async () => {
    const before = root();
    await load();
    await dies(() => {
      writeFileSync(`${T_STARTED_WITH}.new`, settings, { mode: 0o644 });
      renameSync(`${T_STARTED_WITH}.new`, T_STARTED_WITH);
    });
    await leavesNothing(before);
    expect(await start()).toMatchObject({ ok: true });
    await eventually(answers);
  });
});
