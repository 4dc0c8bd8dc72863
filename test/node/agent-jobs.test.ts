import { afterAll, beforeEach, expect, test } from "vitest";
import { carryOut, letGoByForce } from "../../components/arbiter/agent/linux/jobs.ts";
import type { EtcdClient } from "../../components/arbiter/agent/linux/members.ts";
import { readSettings } from "../../components/arbiter/agent/settings.ts";
import { type Connection, DOWN } from "../../components/arbiter/agent/world.ts";
import { Sandbox } from "./sandbox.ts";

const settings = new URL("../golden/sites/lab/n1/etc/tandem/settings.json", import.meta.url).pathname;
const path = process.env.PATH;
const sandbox = new Sandbox();
// Read by the shells that the agent starts its tools with.
process.env.PATH = `${sandbox.root}/stubs:${path}`;

beforeEach(() => sandbox.write("/calls", ""));
afterAll(() => {
  process.env.PATH = path;
  sandbox.dispose();
});

const carry = (name: "connect" | "disconnect", connection: Connection) =>
  carryOut({ name }, "a test", {
    settings: readSettings(settings),
    etcd: {} as EtcdClient,
    fresh: async () => ({
      volume: { ...DOWN, connection },
      door: "open",
      mounted: false,
      t: "dead",
      tOutdated: false,
      disarmed: [],
    }),
  });

test.each([
  ["disconnect", "StandAlone", true],
  ["disconnect", "Connected", false],
  ["connect", "Connecting", true],
  ["connect", "StandAlone", false],
] as const)("a %s that the tool refuses, and DRBD is %s afterwards: done is %s", async (job, connection, ok) => {
  sandbox.stub("drbdadm", "echo 'Failure: (162) Invalid configuration request' >&2; exit 10");
  const result = await carry(job, connection);
  expect(result.ok).toBe(ok);
  if (!ok) expect(result.why).toContain("Invalid configuration request");
});

test("DRBD 9 fails the volume's I/O only after T was killed", async () => {
  sandbox.stub("systemctl", "exit 0");
  sandbox.stub("drbdsetup", "exit 0");
  expect(await letGoByForce()).toMatchObject({ ok: true });
  expect(sandbox.calls).toEqual([
    "systemctl kill --signal=KILL etcd-transient.service",
    "drbdsetup secondary etcd-t --force",
  ]);
});
