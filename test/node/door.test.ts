import { readFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Sandbox, scripts } from "./sandbox.ts";

let sandbox: Sandbox;
beforeEach(() => {
  sandbox = new Sandbox();
});
afterEach(() => sandbox.dispose());

describe("with the kernel's own rules", () => {
  /** In a network namespace of its own, so that this machine's rules stay as they are. */
  const shell = async (commands: string) => {
    const words = commands.replaceAll(/\bdoor /g, `"${scripts}door.sh" `);
    const { stdout, stderr } = await sandbox.run("door.sh", [], { prefix: ["unshare", "-rn", "bash", "-c", words] });
    return `${stdout}${stderr}`;
  };
  const oneRule = "ip rule add blackhole to 10.77.2.12 ipproto tcp sport 2380-2382 pref 2381 protocol kernel";

  test("it is open, closed and open again", async () => {
    expect(await shell("door status; door close; door status; door open; door status")).toBe("open\nclosed\nopen\n");
  });

  test("it drops both directions of every peer port, under a protocol that systemd-networkd leaves alone", async () => {
    expect(await shell("door close; ip -details rule show | grep blackhole")).toBe(
      "2380:\tfrom all to 10.77.2.12 ipproto tcp dport 2380-2382 blackhole proto kernel\n" +
        "2381:\tfrom all to 10.77.2.12 ipproto tcp sport 2380-2382 blackhole proto kernel\n",
    );
  });

  test("closed twice or opened twice is no failure", async () => {
    expect(await shell("door close && door close && door open && door open && echo well")).toBe("well\n");
  });

  test("with one rule of the two it is half, and both ways out of that work", async () => {
    expect(await shell(`${oneRule}; door status; door close; door status`)).toBe("half\nclosed\n");
    expect(await shell(`${oneRule}; door open; door status`)).toBe("open\n");
  });

  test("rules for somebody else do not close it", async () => {
    expect(await shell("door close; sed -i s/2.12/2.13/ $TANDEM_ROOT/etc/tandem/node.env; door status")).toBe("open\n");
  });
});

describe("at boot", () => {
  const closed = ["dport 2380", "sport 2381"].map((rule) => {
    const [port, pref] = rule.split(" ");
    return `${pref}:\tfrom all to 10.77.2.12 ipproto tcp ${port} 2380-2382 blackhole\n`;
  });
  const boot = (rules: string, isEtcdEnabled: boolean) => {
    sandbox.mkdir("/run");
    sandbox.write("/rules", rules);
    sandbox.stub("ip", `[ "$1" != rule ] || cat '${sandbox.root}/rules'`);
    sandbox.stub("systemctl", `case $* in *is-enabled*) exit ${isEtcdEnabled ? 0 : 1} ;; esac`);
    return sandbox.run("door.sh", ["boot"]);
  };
  const startsOfEtcd = () => sandbox.callsOf("systemctl").filter((call) => call.endsWith("start etcd.service"));

  test("a door that comes late starts the etcd that it kept from starting, and counts as closed for this boot", async () => {
    expect((await boot("", true)).code).toBe(1);
    expect(sandbox.list("/run")).toEqual([]);
    expect(startsOfEtcd()).toEqual([]);
    expect(await boot(closed.join(""), true)).toMatchObject({ code: 0, stderr: "" });
    expect(sandbox.list("/run")).toEqual(["tandem-door"]);
    expect(startsOfEtcd()).toEqual(["systemctl --no-block start etcd.service"]);
  });

  test("an etcd that is not in service is not started by the door", async () => {
    expect(await boot(closed.join(""), false)).toMatchObject({ code: 0, stderr: "" });
    expect(startsOfEtcd()).toEqual([]);
  });

  test("it is tried again until it is in force", () => {
    const unit = readFileSync(
      new URL("../../templates/etc/systemd/system/tandem-door.service", import.meta.url),
      "utf8",
    );
    expect(unit).toMatch(/^ExecStart=\S+door\.sh boot$/m);
    expect(unit).toMatch(/^Restart=on-failure$/m);
  });
});

describe("when ip does not do as told", () => {
  const rules = (...lines: string[]) =>
    sandbox.stub("ip", `[ "$1" != rule ] || printf '${["0:\tfrom all lookup local", ...lines].join("\\n")}\\n'`);

  test("a rule that did not take makes close fail", async () => {
    rules();
    expect(await sandbox.run("door.sh", ["close"])).toMatchObject({
      code: 1,
      stderr: "the door is open, not closed\n",
    });
  });

  test("a rule that stayed makes open fail", async () => {
    rules("2380:\tfrom all to 10.77.2.12 ipproto tcp dport 2380-2382 blackhole");
    expect(await sandbox.run("door.sh", ["open"])).toMatchObject({ code: 1, stderr: "the door is half, not open\n" });
  });

  test("a narrower rule is not taken for ours", async () => {
    rules(
      "2380:\tfrom all to 10.77.2.12 iif eth0 ipproto tcp dport 2380-2382 blackhole",
      "2381:\tfrom all to 10.77.2.12 ipproto tcp sport 2380 blackhole",
    );
    expect(await sandbox.run("door.sh", ["status"])).toMatchObject({ code: 0, stdout: "open\n" });
  });

  test("nothing is said of rules that cannot be read", async () => {
    sandbox.stub("ip", "exit 255");
    expect(await sandbox.run("door.sh", ["status"])).toMatchObject({ code: 1, stdout: "" });
    expect(await sandbox.run("door.sh", ["close"])).toMatchObject({ code: 1 });
  });
});
