import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { events, Sandbox } from "./sandbox.ts";

let sandbox: Sandbox;
let agent: Server | undefined;

beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => {
  agent?.closeAllConnections();
  agent?.close();
  agent = undefined;
  sandbox.dispose();
});

const frozen = events({ role: "Primary", suspended: "fencing" });

/** The agent's socket, with answers of the test's choosing; null keeps the question open. */
async function listen(answer: (url: string) => string | null): Promise<void> {
  mkdirSync(join(sandbox.root, "run/tandem"), { recursive: true });
  agent = createServer((request, response) => {
    const word = answer(`${request.method} ${request.url}`);
    if (word !== null) response.end(word);
  });
  agent.listen(join(sandbox.root, "run/tandem/agent.sock"));
  await once(agent, "listening");
}

describe("in a promotion", () => {
  test.each([
    ["won", 4],
    ["lost", 6],
    ["undecided", 1],
    ["", 1],
    ["5", 1],
    ["won lost", 1],
    ["Won", 1],
  ])("the agent's %j is exit code %i", async (word, code) => {
    sandbox.drbd(events({ disk: "UpToDate" }));
    const asked: string[] = [];
    await listen((url) => {
      asked.push(url);
      return word;
    });
    expect((await sandbox.run("fence-peer.sh")).code).toBe(code);
    expect(asked).toEqual(["POST /fence?mode=promotion"]);
  });

  test("of a copy that is only Consistent the agent is asked as well", async () => {
    sandbox.drbd(events({ disk: "Consistent" }));
    await listen(() => "won");
    expect((await sandbox.run("fence-peer.sh")).code).toBe(4);
  });

  test.each(["Outdated", "Inconsistent", "Diskless"])("of a copy that is %s nobody is asked", async (disk) => {
    sandbox.drbd(events({ disk }));
    sandbox.stub("curl", "echo won");
    expect((await sandbox.run("fence-peer.sh")).code).toBe(1);
    expect(sandbox.callsOf("curl")).toEqual([]);
  });

  test("without an agent it is undecided, at once", async () => {
    sandbox.drbd(events({}));
    const { code, tookMs } = await sandbox.run("fence-peer.sh");
    expect(code).toBe(1);
    expect(tookMs).toBeLessThan(2_000);
  });

  test("an agent that does not answer is undecided after three seconds", async () => {
    sandbox.drbd(events({}));
    await listen(() => null);
    const { code, tookMs } = await sandbox.run("fence-peer.sh");
    expect(code).toBe(1);
    expect(tookMs).toBeGreaterThan(2_800);
    expect(tookMs).toBeLessThan(5_000);
  });

  test.each([
    3, 4, 5, 6, 7, 22, 28, 127,
  ])("curl's own exit code %i never comes out, whatever it printed", async (code) => {
    sandbox.drbd(events({}));
    sandbox.stub("curl", `echo won; exit ${code}`);
    expect((await sandbox.run("fence-peer.sh")).code).toBe(1);
  });
});

describe("on a frozen Primary", () => {
  test("it asks again through an agent that is away, until there is a verdict", async () => {
    sandbox.drbd(frozen);
    sandbox.stub("curl", `[ "$(grep -c ^curl '${sandbox.root}/calls')" -lt 4 ] && exit 7; echo won`);
    expect((await sandbox.run("fence-peer.sh")).code).toBe(4);
    expect(sandbox.callsOf("curl")).toHaveLength(4);
    expect(sandbox.callsOf("curl")[0]).toContain("mode=primary");
  });

  test("lost is exit code 6", async () => {
    sandbox.drbd(frozen);
    sandbox.stub("curl", "echo lost");
    expect((await sandbox.run("fence-peer.sh")).code).toBe(6);
  });

  test.each([
    ["DRBD is connected again", events({ role: "Primary", suspended: "fencing", connection: "Connected" })],
    ["it was thawed by somebody else", events({ role: "Primary" })],
    ["it is no Primary any more", events({ role: "Secondary", suspended: "fencing" })],
    ["its disk is gone", events({ role: "Primary", suspended: "fencing", disk: "Diskless" })],
    ["the resource is gone", []],
  ])("it stops, undecided, when %s", async (_why, later) => {
    sandbox.drbd(frozen);
    sandbox.write("/later", [...later, "exists -", ""].join("\n"));
    sandbox.stub("curl", `cp '${sandbox.root}/later' '${sandbox.root}/events'; echo undecided`);
    expect((await sandbox.run("fence-peer.sh")).code).toBe(1);
    expect(sandbox.callsOf("curl")).toHaveLength(1);
  });

  test("a state that cannot be read is read again", async () => {
    sandbox.drbd(frozen);
    sandbox.stub("curl", "echo won");
    sandbox.stub(
      "drbdsetup",
      `[ "$(grep -c ^drbdsetup '${sandbox.root}/calls')" -lt 3 ] && exit 20; cat '${sandbox.root}/events'`,
    );
    expect((await sandbox.run("fence-peer.sh")).code).toBe(4);
  });

  test("ended by a signal it is undecided", async () => {
    sandbox.drbd(frozen);
    sandbox.stub("curl", "exit 7");
    expect((await sandbox.run("fence-peer.sh", [], { termAfterMs: 700 })).code).toBe(1);
  });
});

test("a Primary that is not frozen asks nothing", async () => {
  sandbox.drbd(events({ role: "Primary" }));
  sandbox.stub("curl", "echo won");
  expect((await sandbox.run("fence-peer.sh")).code).toBe(1);
  expect(sandbox.callsOf("curl")).toEqual([]);
});

test("without its settings it is undecided", async () => {
  sandbox.drbd(events({}));
  sandbox.stub("curl", "echo won");
  sandbox.remove("/etc/tandem/node.env");
  expect((await sandbox.run("fence-peer.sh")).code).toBe(1);
});
