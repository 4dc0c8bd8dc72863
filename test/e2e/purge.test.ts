import { expect } from "vitest";
import { leftovers } from "./leftovers.ts";
import { noteProvisioned, scenario } from "./scenario.ts";

scenario("destroy with purge removes the data too", async (site) => {
  await site.stack.change((config) => {
    config.destroy = { purgeData: true };
  });
  await site.up();
  await site.destroy();
  noteProvisioned(false);
  for (const guest of site.lab.guests) expect(await leftovers(guest), guest.name).toEqual([]);
  for (const node of ["n1", "n2"] as const) {
    const look = "ls -d /var/lib/etcd /var/lib/etcd-transient /var/lib/tandem; blkid -p /dev/ubdb; wipefs /dev/ubdb";
    expect((await site.guest(node).run(look, { check: false })).stdout).toBe("");
  }
});
