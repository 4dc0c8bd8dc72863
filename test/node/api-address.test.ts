import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";

const program = new URL("../../components/cli/preflight/api-address.ts", import.meta.url).href;
const stranger = "52:54:00:00:00:13";

/**
 * A network of its own: this node with 10.77.1.11, its sibling with 10.77.1.12 and a stranger with 10.77.1.13. Runs statements on the
 * node and returns what they `say`. `sibling` and `stranger` run a line of `ip` there; `look` asks who has 10.77.1.10.
 */
function onNetwork(statements: string): unknown {
  const node = `
    import { execSync, spawn } from "node:child_process";
    import { gatherApiAddress } from ${JSON.stringify(program)};
    const sh = (line) => execSync(line, { encoding: "utf8" });
    sh("ip link add name bridge0 type bridge && ip address add 10.77.1.11/24 dev bridge0 && ip link set bridge0 up");
    const machines = [];
    const machine = async (name, last) => {
      const child = spawn("unshare", ["--net", "sh", "-c", "echo; exec sleep 60"], { stdio: ["ignore", "pipe", "ignore"] });
      machines.push(child);
      await new Promise((resolve) => child.stdout.once("data", resolve));
      const ip = (line) => sh("nsenter --net --target " + child.pid + " ip " + line);
      sh("ip link add name " + name + " type veth peer name eth0 netns " + child.pid + " && ip link set " + name + " master bridge0 up");
      ip("link set eth0 address 52:54:00:00:00:" + last + " up");
      ip("address add 10.77.1." + last + "/24 dev eth0");
      return ip;
    };
    const sibling = await machine("sibling", 12);
    const stranger = await machine("stranger", 13);
    const wanted = { vip: "10.77.1.10", interface: "bridge0", frontend: "10.77.1.11", sibling: "10.77.1.12" };
    const look = (other = {}) => gatherApiAddress({ ...wanted, ...other });
    const said = [];
    ${statements}
    for (const child of machines) child.kill();
    process.stdout.write(JSON.stringify(said));
    process.exit();`;
  const argv = ["-rn", process.execPath, "--input-type=module", "-e", node];
  return JSON.parse(execFileSync("unshare", argv, { encoding: "utf8", timeout: 50_000 }));
}

const holders = (statements: string) =>
  onNetwork(`const say = async () => said.push((await look()).holder); ${statements}`);

describe("who has the address of the API", () => {
  test("nobody, the sibling, this node, or a stranger by its hardware address", () => {
    const said = holders(`
      await say();
      sibling("address add 10.77.1.10/24 dev eth0");
      await say();
      sibling("address delete 10.77.1.10/24 dev eth0");
      stranger("address add 10.77.1.10/24 dev eth0");
      await say();
      stranger("address delete 10.77.1.10/24 dev eth0");
      sh("ip address add 10.77.1.10/24 dev bridge0");
      await say();`);
    expect(said).toEqual([null, "the sibling", stranger, "this node"]);
  });

  test("a stranger that has left is not remembered, whoever comes after it", () => {
    const remembered = `
      stranger("address add 10.77.1.10/24 dev eth0");
      sh("ping -c 1 10.77.1.10");
      stranger("address delete 10.77.1.10/24 dev eth0");
      said.push(sh("ip neighbour show to 10.77.1.10").includes("${stranger}"));`;
    const said = holders(`
      ${remembered}
      await say();
      ${remembered}
      sibling("address add 10.77.1.10/24 dev eth0");
      await say();`);
    expect(said).toEqual([true, null, true, "the sibling"]);
  });

  test("a stranger is found while the sibling is down", () => {
    const said = holders(`
      sibling("link set eth0 down");
      stranger("address add 10.77.1.10/24 dev eth0");
      await say();`);
    expect(said).toEqual([stranger]);
  });

  test("nobody, at once, where no network of the node has it", () => {
    const said = onNetwork(`
      const began = performance.now();
      said.push((await look({ vip: "192.0.2.10", sibling: "192.0.2.12" })).holder, performance.now() - began < 1000);`);
    expect(said).toEqual([null, true]);
  });
});

test("the interface of the frontend is told by its name", () => {
  const said = onNetwork(
    `said.push((await look()).frontendInterface, (await look({ frontend: "10.77.1.99" })).frontendInterface);`,
  );
  expect(said).toEqual(["bridge0", null]);
});
