import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Guest } from "../lab/guest.ts";
import { failingUp } from "./failing-up.ts";
import { scenario } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

scenario("node two is lost and replaced by a blank machine, while the other carries the site", async (site) => {
  await lose(site, "n2", "n1");
});

scenario("the same for node one, the first", async (site) => {
  await lose(site, "n1", "n2");
  // Clients may rely on the new machine alone.
  await site.withLoad(async (load) => {
    await sleep(2000);
    await site.guest("n2").powerCut();
    await load.untilWriting(15_000, "E1");
    await site.powerOn("n2");
    await site.untilAtHome();
  });
  await site.hashesAgree();
});

async function lose(site: Site, lost: NodeName, survivor: NodeName): Promise<void> {
  const old = await memberIds(site, survivor);
  await site.withLoad(async (load) => {
    await sleep(2000);
    const early = await site.guest(survivor).run(`tandem replace ${lost}`, { check: false });
    expect(early.stderr).toContain(
      `- ${lost} is there: its agent answers. Only a lost machine is replaced; power it off first.`,
    );
    await site.guest(lost).powerCut();
    await load.untilWriting(15_000, member(survivor));

    await blankMachine(site, lost);
    const { output } = await failingUp(site, () => {});
    expect(output).toContain(
      `${survivor} runs the site's etcd, and this machine is blank. If ${lost} is a new machine in the place of a lost one, run ` +
        `\`tandem replace ${lost}\` on ${survivor}, and then \`pulumi up\` again`,
    );

    const dry = (await site.guest(survivor).run(`tandem replace ${lost}`)).stdout;
    expect(dry).toContain(`- remove the member ${member(lost)} (${old[member(lost)]}) for good\n`);
    expect(dry).toContain(`Nothing was changed. To do it: tandem replace ${lost} --execute`);
    const mistyped = await site
      .guest(survivor)
      .run(`tandem replace ${lost} --execute`, { input: "yes\n", check: false });
    expect(mistyped.stderr).toContain(`"yes" is not ${lost}; nothing was changed`);
    expect(await memberIds(site, survivor)).toEqual(old);
    await site.guest(survivor).run(`tandem replace ${lost} --execute`, { input: `${lost}\n` });

    await site.up();
    // `up` itself has waited for the copy and for the new member.
    await site.untilAtHome();
    await load.untilWriting(10_000, member(lost));
  });
  await site.hashesAgree();
  const now = await memberIds(site, survivor);
  expect(now).toMatchObject({ T: old.T, [member(survivor)]: old[member(survivor)] });
  expect(now[member(lost)]).not.toBe(old[member(lost)]);
  expect(Object.keys(now)).toHaveLength(3);
  await site.up(["--expect-no-changes"]);
}

/** Another machine in the node's place: new disks, a new host key, and the site's configuration told of it. */
async function blankMachine(site: Site, lost: NodeName): Promise<void> {
  const guest = site.guest(lost);
  await guest.wipeDisks();
  await site.powerOn(lost);
  const hostKey = await newHostKey(guest);
  await site.stack.change((config) => {
    config.nodes[nodes.indexOf(lost)].hostKey = hostKey;
  });
}

/** Beside the lab's own key, by which the lab goes on to talk to the guest. */
async function newHostKey(guest: Guest): Promise<string> {
  const file = "/etc/ssh/ssh_host_ecdsa_key";
  await guest.run(
    `ssh-keygen -q -t ecdsa -N '' -f ${file} && echo HostKey ${file} >/etc/ssh/sshd_config.d/new.conf && sync`,
  );
  await guest.run("systemctl restart ssh");
  return (await guest.run(`cut -d ' ' -f 1,2 ${file}.pub`)).stdout.trim();
}

const member = (node: NodeName) => `E${nodes.indexOf(node) + 1}`;

/** Hexadecimal ids by name. */
async function memberIds(site: Site, node: NodeName): Promise<Record<string, string>> {
  const lines = (await site.etcdctl(node, "member list")).split("\n").map((line) => line.split(", "));
  return Object.fromEntries(lines.map(([id, , name]) => [name, id]));
}
