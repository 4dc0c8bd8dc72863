import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";

const door = new URL("../../components/arbiter/agent/linux/door.ts", import.meta.url).href;
const script = new URL("../../templates/usr/local/lib/tandem/door.sh", import.meta.url).pathname;

/** Runs statements in a network namespace of their own and returns what they `say`, as JSON. */
function inNamespace(statements: string): unknown {
  const program = `
    import { execSync } from "node:child_process";
    import { setTimeout as sleep } from "node:timers/promises";
    import { closeDoor, DoorWatch, openDoor, readDoor } from ${JSON.stringify(door)};
    const sibling = "10.77.2.12";
    const sh = (line) => execSync(line, { encoding: "utf8" });
    const said = [];
    ${statements}
    process.stdout.write(JSON.stringify(said));
    process.exit();`;
  const argv = ["-rn", process.execPath, "--input-type=module", "-e", program];
  return JSON.parse(execFileSync("unshare", argv, { encoding: "utf8", timeout: 20_000 }));
}

test("closed and opened, each also when it is so already", () => {
  const said = inNamespace(`
    said.push(await readDoor(sibling));
    for (const change of [closeDoor, closeDoor, openDoor, openDoor]) {
      said.push((await change(sibling)).ok, await readDoor(sibling));
    }`);
  expect(said).toEqual(["open", true, "closed", true, "closed", true, "open", true, "open"]);
});

test("one rule of the two is half, and closing completes it", () => {
  const said = inNamespace(`
    sh("ip rule add blackhole to 10.77.2.12 ipproto tcp sport 2380-2382 pref 2381 protocol kernel");
    said.push(await readDoor(sibling), (await closeDoor(sibling)).ok, await readDoor(sibling));`);
  expect(said).toEqual(["half", true, "closed"]);
});

test("the agent and door.sh mean the same rules", () => {
  const env = "echo SIBLING_BACKEND=10.77.2.12 >$d/etc/tandem/node.env";
  const root = `d=$(mktemp -d); mkdir -p $d/etc/tandem; ${env}; TANDEM_ROOT=$d ${script}`;
  const said = inNamespace(`
    await closeDoor(sibling);
    said.push(sh(${JSON.stringify(`${root} status`)}).trim());
    sh(${JSON.stringify(`${root} open`)});
    said.push(await readDoor(sibling));
    sh(${JSON.stringify(`${root} close`)});
    said.push(await readDoor(sibling));`);
  expect(said).toEqual(["closed", "open", "closed"]);
});

test("a change by another hand is seen although nothing is asked of the kernel at each look", () => {
  const said = inNamespace(`
    const watch = new DoorWatch(sibling, 60_000);
    await sleep(300);
    said.push(await watch.read());
    sh("ip rule add blackhole to 10.77.2.12 ipproto tcp dport 2380-2382 pref 2380 protocol kernel");
    sh("ip rule add blackhole to 10.77.2.12 ipproto tcp sport 2380-2382 pref 2381 protocol kernel");
    for (let left = 50; left > 0 && (await watch.read()) === "open"; left--) await sleep(20);
    await sleep(100);
    said.push(await watch.read());`);
  expect(said).toEqual(["open", "closed"]);
});
