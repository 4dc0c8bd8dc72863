import { expect } from "vitest";
import { failingUp } from "./failing-up.ts";
import { scenario } from "./scenario.ts";
import { type NodeName, nodes, type Site } from "./site.ts";

scenario("a changed resync rate is in effect at once on both nodes, and DRBD stays connected", async (site) => {
  const before = await Promise.all(nodes.map((node) => stateOf(site, node)));
  await site.withLoad(async () => {
    await site.stack.change((config) => {
      config.datastore.drbd = { resyncRate: "123MiB" };
    });
    await site.up();
  });
  for (const node of nodes) {
    const { stdout } = await site.guest(node).run("drbdsetup show etcd-t");
    expect(stdout).toMatch(/resync-rate\s+125952k;/);
    expect(stdout).toMatch(/c-min-rate\s+125952k;/);
    expect(stdout).toContain("resource-and-stonith");
  }
  expect(await Promise.all(nodes.map((node) => stateOf(site, node)))).toEqual(before);
  await site.up(["--expect-no-changes"]);
  await site.hashesAgree();
});

scenario(
  "a quota that the volume was not made large enough for is refused before anything is written",
  async (site) => {
    const look = () => Promise.all(nodes.map((node) => site.guest(node).run("cat /etc/tandem/etcd/*.yaml")));
    const before = await look();
    const { output } = await failingUp(site, ({ datastore }) => {
      datastore.quotaBackend = "1GiB";
    });
    for (const node of nodes) expect(output).toContain(`${node} cannot be used as it is; nothing was changed on it:`);
    const told =
      /- The volume etcd-t was made with 20\d\d MiB, and datastore\.quotaBackend needs 2996 MiB \(2\.4 times the quota, and 538 MiB more\): it does not grow with its disk\. Lower the quota to what fits; a larger one takes a new site on larger disks\./g;
    expect(output.match(told)?.length).toBeGreaterThanOrEqual(2);
    expect(await look()).toEqual(before);
  },
);

/** A connection that was lost would have left another generation, and its loss in the kernel's log. */
async function stateOf(site: Site, node: NodeName): Promise<string> {
  const look = "drbdsetup get-gi 10; drbdsetup events2 --now etcd-t; dmesg | grep -c 'drbd.*conn( '";
  return (await site.guest(node).run(look)).stdout;
}
