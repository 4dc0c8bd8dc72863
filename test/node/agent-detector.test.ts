import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startDetector } from "../../components/arbiter/agent/linux/detector.ts";

let folder: string;
let stop: () => void;
let said: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-detector-"));
  said = [];
});
afterEach(() => {
  stop();
  rmSync(folder, { recursive: true });
});

const settings = { pingIntervalMs: 25, silenceMs: 250, probes: 3, probeIntervalMs: 50 };

function detect(program: string, sibling = "10.77.2.12"): void {
  stop = startDetector(
    { ...settings, own: "127.0.0.1", sibling, program },
    {
      heard: () => said.push("heard"),
      suspected: () => said.push("suspected"),
      unfounded: () => said.push("unfounded"),
      lost: () => said.push("lost"),
      blind: (why) => said.push(`blind: ${why}`),
    },
  );
}

/**
 * Stands in for ping. While the file `steady` exists, the steady one prints replies; while `probe` exists, probes are
 * answered.
 */
function fakePing(): string {
  const path = join(folder, "ping");
  writeFileSync(
    path,
    `#!/bin/sh
case "$*" in
    *-c*) sleep 0.1; [ -e ${folder}/probe ]; exit ;;
esac
while :; do
    if [ -e ${folder}/steady ]; then echo "64 bytes from 10.77.2.12: icmp_seq=1 ttl=64 time=0.1 ms"
    else echo "From 127.0.0.1 icmp_seq=1 Destination Host Unreachable"; fi
    sleep 0.05
done
`,
  );
  chmodSync(path, 0o755);
  return path;
}

const now = (...names: string[]) => {
  for (const name of ["steady", "probe"]) rmSync(join(folder, name), { force: true });
  for (const name of names) writeFileSync(join(folder, name), "");
};

async function until(expected: string[]): Promise<void> {
  for (let left = 150; left > 0 && said.length < expected.length; left--) await sleep(20);
  expect(said).toEqual(expected);
}

test("replies, silence, replies: each told once", async () => {
  now("steady", "probe");
  detect(fakePing());
  await until(["heard"]);
  now();
  await until(["heard", "suspected", "lost"]);
  await sleep(600);
  now("steady", "probe");
  await until(["heard", "suspected", "lost", "heard"]);
});

test("a sibling that has never been heard is lost", async () => {
  now();
  detect(fakePing());
  await until(["suspected", "lost"]);
});

test("a suspicion that a probe contradicts is none", async () => {
  now("steady", "probe");
  detect(fakePing());
  await until(["heard"]);
  now("probe");
  await until(["heard", "suspected", "unfounded"]);
  now("steady", "probe");
  await sleep(600);
  expect(said).toEqual(["heard", "suspected", "unfounded"]);
});

test("a loop that was late itself suspects nobody", async () => {
  now("steady", "probe");
  detect(fakePing());
  await until(["heard"]);
  const end = performance.now() + 900;
  while (performance.now() < end);
  await sleep(400);
  expect(said).toEqual(["heard"]);
});

test("a ping that ends is started again", async () => {
  now("steady", "probe");
  const program = fakePing();
  writeFileSync(program, `#!/bin/sh\ncase "$*" in *-c*) exit 0 ;; esac\necho "64 bytes from 10.77.2.12: icmp_seq=1"\n`);
  detect(program);
  await sleep(900);
  expect(said).toEqual(["heard"]);
});

test("without ping nothing is said of the sibling", async () => {
  detect(join(folder, "nothing-here"));
  await sleep(800);
  expect(said).toEqual([expect.stringContaining("blind: ")]);
});

test("the real ping: a sibling that answers, and one that does not", async () => {
  detect("ping", "127.0.0.2");
  await until(["heard"]);
  stop();
  said = [];
  stop = startDetector(
    { ...settings, own: "127.0.0.1", sibling: "240.0.0.1", program: "ping" },
    {
      heard: () => said.push("heard"),
      suspected: () => {},
      unfounded: () => said.push("unfounded"),
      lost: () => said.push("lost"),
      blind: (why) => said.push(why),
    },
  );
  await until(["lost"]);
});
