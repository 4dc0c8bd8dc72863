import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatSentinel } from "../../components/cli/volume/sentinel.ts";
import { events, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

describe("T", () => {
  const volume = "/var/lib/etcd-transient";
  const run = () => sandbox.run("transient-guard.sh");
  const mount = (device: string) =>
    sandbox.write(
      "/proc/self/mountinfo",
      `36 1 98:0 / / rw - ext4\n98 36 ${device} / ${sandbox.root}${volume} rw - ext4\n`,
    );
  const door = (state: "closed" | "open" | "half") => {
    const rule = (pref: number, port: string) =>
      `${pref}:\tfrom all to 10.77.2.12 ipproto tcp ${port} 2380-2382 blackhole\n`;
    const lines = { open: "", half: rule(2381, "sport"), closed: rule(2380, "dport") + rule(2381, "sport") }[state];
    sandbox.write("/rules", `0:\tfrom all lookup local\n${lines}`);
    sandbox.stub("ip", `cat '${sandbox.root}/rules'`);
  };
  const sentinel = (text: string) => sandbox.write(`${volume}/tandem.json`, text);
  const created = formatSentinel({ site: "store-0042", state: "created", memberId: "8e9e05c52164694d" });

  beforeEach(() => {
    mount("147:10");
    sandbox.drbd(events({ role: "Primary", connection: "Connected", peerDisk: "UpToDate" }));
    sandbox.write(`${volume}/data/member/wal/0000000000000000-0000000000000000.wal`, "log");
    sentinel(created);
    door("open");
  });

  test("starts on its own volume, connected", async () => {
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
  });

  test("starts alone behind a closed door", async () => {
    sandbox.drbd(events({ role: "Primary", peerDisk: "Outdated" }));
    door("closed");
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
  });

  test("may start without a log once, on a new volume", async () => {
    sandbox.remove(`${volume}/data/member`);
    sentinel(formatSentinel({ site: "store-0042", state: "new" }));
    expect(await run()).toMatchObject({ code: 0, stderr: "" });
  });

  test.each<[string, () => void]>([
    ["etcd-transient is not mounted", () => sandbox.write("/proc/self/mountinfo", "36 1 98:0 / / rw - ext4\n")],
    ["holds the device 98:16, not 147:10", () => mount("98:16")],
    ["not Primary, or its I/O is suspended", () => sandbox.drbd(events({ connection: "Connected" }))],
    [
      "not Primary, or its I/O is suspended",
      () => sandbox.drbd(events({ role: "Primary", suspended: "fencing", peerDisk: "DUnknown" })),
    ],
    ["not UpToDate", () => sandbox.drbd(events({ role: "Primary", connection: "Connected", disk: "Inconsistent" }))],
    ["cannot read the state", () => sandbox.stub("drbdsetup", "exit 20")],
    ["neither Connected nor StandAlone", () => sandbox.drbd(events({ role: "Primary", connection: "Connecting" }))],
    ["the door is open, not closed", () => sandbox.drbd(events({ role: "Primary" }))],
    [
      "the door is half, not closed",
      () => {
        sandbox.drbd(events({ role: "Primary" }));
        door("half");
      },
    ],
    [
      "the door's rules cannot be read",
      () => {
        sandbox.drbd(events({ role: "Primary" }));
        sandbox.stub("ip", "exit 255");
      },
    ],
    ["not a volume that Tandem made", () => sandbox.remove(`${volume}/tandem.json`)],
    ["tandem.json is damaged", () => sentinel('{"site":"store-0042","state":"fresh"}\n')],
    ["tandem.json is damaged", () => sentinel("")],
    ["belongs to the site store-0043", () => sentinel(created.replace("0042", "0043"))],
    ["data is missing", () => sandbox.remove(`${volume}/data`)],
    ["its log", () => sandbox.remove(`${volume}/data/member`)],
    ["its log", () => sandbox.write(`${volume}/data/member/wal/0000000000000000-0000000000000000.wal`, "")],
  ])("refuses when %s", async (why, spoil) => {
    spoil();
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toMatch(/T is not started: /);
    expect(stderr).toContain(why);
  });
});

describe("the regular member", () => {
  const run = () => sandbox.run("etcd-guard.sh");
  const wal = "/var/lib/etcd/member/wal/0000000000000000-0000000000000000.wal";
  const mark = '{"site":"store-0042","node":"n1"}\n';
  beforeEach(() => sandbox.mkdir("/var/lib/etcd"));

  test("starts empty while its site is founded, and its folder is marked", async () => {
    sandbox.write("/var/lib/tandem/founding", "store-0042\n");
    expect((await run()).code).toBe(0);
    expect(sandbox.read("/var/lib/etcd/tandem.json")).toBe(mark);
    expect((await run()).code).toBe(0);
  });

  test("starts on its own data, founding or not", async () => {
    sandbox.write(wal, "log");
    sandbox.write("/var/lib/etcd/tandem.json", mark);
    expect((await run()).code).toBe(0);
    sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n");
    expect((await run()).code).toBe(0);
  });

  test.each<[string, () => void]>([
    ['was not part of founding the site. See "A node\'s disk is gone" in docs/runbook.md', () => {}],
    ["an empty member would forget", () => sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n")],
    [
      "an empty member would forget",
      () => {
        sandbox.write("/var/lib/tandem/founding", "store-0042\n");
        sandbox.write("/var/lib/tandem/etcd-member", "8e9e05c52164694d\n");
        sandbox.mkdir("/var/lib/etcd/member/wal");
      },
    ],
    ["data that Tandem did not make; move it away: mv ", () => sandbox.write(wal, "log")],
    [
      'is of {"site":"store-0042","node":"n2"}',
      () => {
        sandbox.write(wal, "log");
        sandbox.write("/var/lib/etcd/tandem.json", mark.replace("n1", "n2"));
      },
    ],
    ["is missing", () => sandbox.remove("/var/lib/etcd")],
  ])("refuses when %s", async (why, spoil) => {
    spoil();
    const { code, stderr } = await run();
    expect(code).toBe(1);
    expect(stderr).toMatch(/etcd is not started: /);
    expect(stderr).toContain(why);
  });
});
