import { existsSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Lab } from "../lab/lab.ts";
import { until } from "./until.ts";

const small = { memoryMb: 256, diskMb: 64 };
const minutes = 60_000;

const perl = (script: string) => `perl -MIO::Socket::INET -MIO::Handle -MTime::HiRes=time -e '${script}'`;
const echoServer =
  "my $c = IO::Socket::INET->new(Listen => 1, LocalPort => 7)->accept; syswrite $c, $_ while sysread $c, $_, 9";
/** Prints the longest time that one took, in ms. */
const worstOf = (count: number, before: string, each: string) => `${before}; my $worst = 0;
  for (1..${count}) { my $t = time; ${each}; $t = time - $t; $worst = $t if $t > $worst } print 1000 * $worst`;
const echoes = (address: string) =>
  worstOf(3000, `my $c = IO::Socket::INET->new("${address}:7") or die`, 'syswrite $c, "x"; sysread $c, $_, 9');
const syncs = worstOf(1500, 'open my $f, ">", "/root/synced"', 'syswrite $f, "x"; $f->sync');

describe("the lab itself", () => {
  let lab: Lab;

  beforeAll(async () => {
    lab = await Lab.start({
      name: "self",
      guests: [
        { name: "a", frontend: "10.77.1.11", backend: "10.77.2.11", ...small },
        { name: "b", frontend: "10.77.1.12", backend: "10.77.2.12", ...small },
      ],
    });
  }, 20 * minutes);

  afterAll(() => lab?.stop());

  const reaches = async (from: string, address: string) =>
    (await lab.guest(from).run(`ping -c 1 -W 1 ${address}`, { check: false })).code === 0;

  const echosReceived = async (guest: string) =>
    Number((await lab.guest(guest).run("nstat -asz IcmpInEchos | awk '/IcmpInEchos/ { print $2 }'")).stdout);

  it("starts guests with the time of this machine", async () => {
    const seconds = Number((await lab.guest("a").run("date +%s")).stdout);
    expect(Math.abs(seconds - Date.now() / 1000)).toBeLessThan(5);
  });

  it(
    "keeps what was synced over a power cut, on both disks, and loses the rest",
    async () => {
      const a = lab.guest("a");
      await a.run(
        "mkfs.ext4 -q /dev/ubdb && mount /dev/ubdb /mnt && echo data >/mnt/kept && echo root >/root/kept && sync",
      );
      await a.run("echo >/run/lost");
      expect(await a.powerCut()).toBeLessThan(2000);
      expect(a.running).toBe(false);
      await expect(a.run("true")).rejects.toThrow("guest a is off");
      await a.boot();
      await a.waitSsh();
      expect((await a.run("mount /dev/ubdb /mnt && cat /mnt/kept /root/kept")).stdout).toBe("data\nroot\n");
      expect((await a.run("test -e /run/lost", { check: false })).code).toBe(1);
    },
    minutes,
  );

  it(
    "ends a guest that resets itself, for whoever started it to start it again",
    async () => {
      const a = lab.guest("a");
      await a.run("systemd-run -q --no-block sh -c 'echo b >/proc/sysrq-trigger'", { check: false });
      await until("the end of the guest", 10_000, () => !a.running || undefined);
      await a.boot();
      await a.waitSsh();
    },
    minutes,
  );

  it(
    "cuts one network and one direction alone",
    async () => {
      expect(await reaches("a", "10.77.2.12")).toBe(true);
      await lab.cut("a", "b", { net: "backend", direction: "both" });
      expect(await reaches("a", "10.77.2.12")).toBe(false);
      expect(await reaches("a", "10.77.1.12")).toBe(true);
      await lab.heal("a", "b", { net: "backend", direction: "both" });
      expect(await reaches("a", "10.77.2.12")).toBe(true);

      expect(await reaches("b", "10.77.1.11")).toBe(true);
      const before = await echosReceived("a");
      await lab.cut("a", "b", { net: "frontend", direction: "forward" });
      expect(await reaches("b", "10.77.1.11")).toBe(false);
      expect(await echosReceived("a")).toBeGreaterThan(before);
      await lab.heal();
      expect(await reaches("b", "10.77.1.11")).toBe(true);
    },
    minutes,
  );

  it(
    "loses no interrupt of network or disk while both are busy",
    async () => {
      await lab.guest("b").run(`systemd-run -q ${perl(echoServer)}`);
      const [echo, disk] = await Promise.all(
        [echoes("10.77.1.12"), syncs].map(async (work) => Number((await lab.guest("a").run(perl(work))).stdout)),
      );
      // A frame nobody fetched costs TCP's 200 ms; a write nobody reported stands for seconds.
      expect(echo).toBeLessThan(150);
      expect(disk).toBeLessThan(1000);
    },
    minutes,
  );

  it("cuts a guest from this machine", async () => {
    const ping = () => lab.exec(["ping", "-c", "1", "-W", "1", "10.77.1.12"], { check: false });
    await lab.cut("b", "host");
    expect((await ping()).code).toBe(1);
    await lab.heal("b", "host");
    expect((await ping()).code).toBe(0);
  });

  it(
    "stops a guest's processors and lets them go on",
    async () => {
      const b = lab.guest("b");
      b.pause();
      await expect(b.run("true", { timeoutMs: 1500 })).rejects.toThrow("did not end within 1500 ms");
      b.resume();
      await b.waitSsh();
      expect((await b.run("cat /proc/sys/kernel/hostname")).stdout).toBe("b\n");
    },
    minutes,
  );

  it("refuses a name that is in use", async () => {
    await expect(Lab.start({ name: "self", guests: [] })).rejects.toThrow(/uses the lab "self"/);
  });

  it("leaves no namespace and no disk behind", async () => {
    await lab.stop();
    expect(existsSync("/run/netns/tandem-self")).toBe(false);
    expect(existsSync(`${lab.folder}/a.cow`)).toBe(false);
    await lab.stop();
  });
});
