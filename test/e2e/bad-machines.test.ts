import { expect } from "vitest";
import { failingUp } from "./failing-up.ts";
import { blankScenario } from "./scenario.ts";
import { nodes } from "./site.ts";

const unchanged = (node: string) => `${node} cannot be used as it is; nothing was changed on it:`;

blankScenario(
  "a disk with data, a port taken, another etcd, no DRBD, no disk: each is told, nothing is touched",
  async (site) => {
    const [one, two] = nodes.map((node) => site.guest(node));
    await one?.run("mkfs.ext4 -q -L precious /dev/ubdb");
    await one?.run("mkdir -p /var/lib/etcd/member && echo data >/var/lib/etcd/member/db");
    await one?.run("systemd-run --unit=squatter node -e 'require(\"net\").createServer().listen(2380)'");
    await two?.run("modprobe -r drbd; mv /usr/lib/modules/$(uname -r)/kernel/drivers/block/drbd /var/tmp/ && depmod");
    const { output } = await failingUp(site, ({ nodes: [, second] }) => {
      second.disk = "/dev/ubdz";
    });

    expect(output).toContain(unchanged("n1"));
    expect(output).toContain(
      '- The disk /dev/ubdb is not empty, it holds: ext4 "precious". Tandem overwrites nothing: name another disk, or, ' +
        "if nobody needs what is on it, clear it with `wipefs --all /dev/ubdb && blkdiscard --zeroout /dev/ubdb`.",
    );
    expect(output).toContain("- TCP port 2380 is in use by node; stop it, or move it to another port.");
    expect(output).toContain(
      "- /var/lib/etcd holds data of an etcd that Tandem did not make; move it away " +
        "(mv /var/lib/etcd /var/lib/etcd.before-tandem) and remove the etcd that used it.",
    );
    expect(output).toContain(unchanged("n2"));
    const kernel = (await two?.run("uname -r"))?.stdout.trim();
    expect(output).toContain(
      `- The kernel ${kernel} has no module drbd; install the package that brings it (Debian: the kernel package itself, not its ` +
        "cloud variant; Ubuntu: linux-modules-extra), or name one in datastore.drbd.package.",
    );
    expect(output).toContain(
      "- The disk /dev/ubdz does not exist; create it (a fresh logical volume, for example), or correct the configuration.",
    );
    expect((await one?.run("cat /var/lib/etcd/member/db; blkid -o value -s LABEL /dev/ubdb"))?.stdout).toBe(
      "data\nprecious\n",
    );
    expect((await one?.run("ls /etc/systemd/system"))?.stdout).not.toContain("etcd");

    await one?.run("systemctl stop squatter; wipefs -q --all /dev/ubdb; rm -r /var/lib/etcd");
    await two?.run("mv /var/tmp/drbd /usr/lib/modules/$(uname -r)/kernel/drivers/block/drbd && depmod");
  },
);

blankScenario("a mounted disk, one too small, a clock that is off: each is told", async (site) => {
  const [one, two] = nodes.map((node) => site.guest(node));
  await one?.run("mkfs.ext4 -q /dev/ubdb && mount /dev/ubdb /mnt && echo data >/mnt/file");
  await two?.run("truncate -s 100M /root/small && losetup /dev/loop0 /root/small");
  await two?.run("date -s '10 minutes ago'");
  await serveDate(site.lab.guest("w"));
  const { output } = await failingUp(site, ({ nodes: [, second] }) => {
    second.disk = "/dev/loop0";
  });
  expect(output).toContain("- The disk /dev/ubdb is mounted at /mnt; name a disk that nothing uses.");
  expect(output).toContain("- The disk /dev/loop0 has 100 MiB, and 692 MiB are needed; enlarge it.");
  expect(output).toMatch(
    /- Its clock says \S+Z and the witness's \S+Z, (599|60\d) s apart, and at most 30 s are allowed, because certificates have dates; set both by NTP\./,
  );
  expect((await one?.run("cat /mnt/file"))?.stdout).toBe("data\n");

  await one?.run("umount /mnt && wipefs -q --all /dev/ubdb && blkdiscard --zeroout /dev/ubdb");
  await two?.run(`losetup -d /dev/loop0 && date -s @${Math.round(Date.now() / 1000)}`);
  await site.lab.guest("w").run("rm /etc/nginx/conf.d/date.conf && systemctl stop nginx");
});

/** A witness as it may be before the site comes to be: it tells the time. */
async function serveDate(witness: {
  run: (command: string, options?: { input: string }) => Promise<unknown>;
}): Promise<void> {
  await witness.run(
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=w -keyout /root/date.key -out /root/date.crt",
  );
  await witness.run("cat >/etc/nginx/conf.d/date.conf && systemctl restart nginx", {
    input: "server { listen 8443 ssl; ssl_certificate /root/date.crt; ssl_certificate_key /root/date.key; }\n",
  });
}
