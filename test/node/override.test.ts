import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { serveSocket } from "../../components/arbiter/agent/linux/socket.ts";
import { type LastHello, type OverrideReport, overrideReport } from "../../components/arbiter/agent/override-report.ts";
import { initialState } from "../../components/arbiter/agent/state.ts";
import type { Times } from "../../components/cli/override/describe.ts";
import { overrideAt } from "../../components/cli/override/verb.ts";
import { Failure } from "../../components/cli/verb.ts";
import { HELLO } from "../unit/agent/scripted.ts";

let folder: string;
let socket: string;
let server: Server;
let report: OverrideReport;
let confirmed: string[];
let answer: string[];
let printed: string;

const gen = "68798EAEE4968C1A";
const state = {
  ...initialState({
    ...{ site: "store-0042", node: "n2", sibling: "n1", index: 1, leader: "opposite" },
    ...{ waitOffsetMs: 0, bootOffsetMs: 0, readHoldOffMs: 5000, killLimitMs: 2000 },
  }),
  heard: false,
};
const volume = { ...state.local.volume, role: "Secondary", disk: "UpToDate", gen } as const;
const lastHello: LastHello = {
  at: "2026-03-01T10:00:05.123Z",
  hello: { ...HELLO, node: "n1", role: "Primary", gen },
};
const times: Times = {
  now: new Date("2026-03-01T10:42:05Z"),
  booted: new Date("2026-01-15T08:00:00Z"),
  notes: new Date("2026-03-01T10:00:06Z"),
  disarmed: null,
};

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tandem-override-"));
  socket = join(folder, "agent.sock");
  report = { ...overrideReport(state, { ...state.local, volume }, lastHello), objections: [] };
  [confirmed, answer, printed] = [[], [], ""];
  server = serveSocket(socket, {
    ask: () => ({ gone: () => {} }),
    status: async () => report,
    override: async () => report,
    confirmOverride: async (site) => {
      confirmed.push(site);
      return answer;
    },
  });
  await once(server, "listening");
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  server.close();
  server.closeAllConnections();
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]) => overrideAt(socket, args, times, false);
const refused = (why: string) => new Failure(`\nthe protocol is not overridden on n2; nothing was changed:\n- ${why}`);

test("without a confirmation it tells what is known, what would be lost and what must follow, and changes nothing", async () => {
  await run();
  expect(printed).toBe(`site          store-0042, seen from n2
this copy     Secondary, UpToDate, StandAlone, peer disk Unknown
generation    68798EAEE4968C1A, left none
alone         since no later than the last change of its notes, 2026-03-01T10:00:06Z (42 min ago); booted 2026-01-15T08:00:00Z (45 days ago)
armed         yes
n1            packets down; it spoke last 2026-03-01T10:00:05Z (42 min ago): Primary, UpToDate, generation 68798EAEE4968C1A, left none
witness       does not answer; the claim on this generation: none
waits         apart from the sibling, without a claim

What would be lost:
- As far as n2 knows, both copies were equal when the nodes parted. Whether n1 went on alone after that, only n1 and the witness could tell; if it did, every write since is on n1 alone.

What must be so, before and afterwards:
- n1 must be switched off, at its power and not only by its silence: if it runs, both nodes may accept writes.
- n1 may be started again only while T runs on n2 and both of its links carry. It then gives its copy up by itself, or both stop with a split brain, if it had gone on.
- If it may have gone on alone, replace it by a blank machine instead (\`tandem replace n1\`): its etcd member holds those writes too, and must not come back.

Nothing was changed. To do it: tandem override --confirm store-0042
`);
  expect(confirmed).toEqual([]);
});

test.each<[string, Partial<OverrideReport>, string]>([
  [
    "the sibling owns the claim",
    { witness: { answers: true, shows: "t", adopted: "t", claim: "lost" } },
    "n1 owns the claim on this generation, so it may have gone on without n2. Every write since then is on n1 alone.",
  ],
  [
    "the sibling has said that it went on",
    { superseded: true },
    "n1 has said that it went on without n2. Every write since is on n1 alone.",
  ],
  [
    "the disk has failed",
    { diskFailed: true },
    "The disk of n2 has failed at some time. Every write from then on may be on n1 alone.",
  ],
  [
    "a resync was not confirmed",
    { local: { ...state.local, volume, disarmed: ["t1"] } },
    "n2 was being brought up to date, and n1 has not confirmed that nothing is missing. The last writes may be on n1 alone.",
  ],
])("what would be lost when %s", async (_, change, line) => {
  report = { ...report, ...change };
  await run();
  expect(printed).toContain(`What would be lost:\n- ${line}\n\n`);
});

test("with the site's name it is done", async () => {
  await run("--confirm", "store-0042");
  expect(confirmed).toEqual(["store-0042"]);
  expect(printed).toContain("\nn2 goes on with its own copy; `tandem status` says how far it is.\n");
});

test("what is against it is told, and the agent is not even asked", async () => {
  report = { ...report, objections: ["The agent of n1 answers."] };
  await expect(run("--confirm", "store-0042")).rejects.toThrow(refused("The agent of n1 answers."));
  expect(confirmed).toEqual([]);
});

test("the agent has the last word", async () => {
  answer = ["This is the site store-0042, not n1."];
  await expect(run("--confirm", "n1")).rejects.toThrow(refused("This is the site store-0042, not n1."));
});

test("without an agent nothing is done", async () => {
  server.close();
  rmSync(socket, { force: true });
  await expect(run("--confirm", "store-0042")).rejects.toThrow(
    new Failure(
      `the agent does not answer (connect ENOENT ${socket}), and it alone could go on; nothing was changed. See: journalctl -u tandem-agent`,
    ),
  );
});

test.each([
  ["--force"],
  ["--confirm"],
  ["store-0042"],
  ["--confirm", "a", "b"],
])("%s is not understood", async (...args) => {
  await expect(run(...args)).rejects.toThrow(
    new Failure(
      `\`tandem override\` takes nothing, or --confirm and the site's name, not ${JSON.stringify(args.join(" "))}`,
    ),
  );
  expect(printed).toBe("");
});
