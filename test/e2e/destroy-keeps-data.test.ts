import { expect } from "vitest";
import { leftovers } from "./leftovers.ts";
import { noteProvisioned, scenario } from "./scenario.ts";

scenario("destroy removes everything but the data, and the next up finds them", async (site) => {
  await site.etcdctl("n1", "put /kept 'over a destroy'");
  await site.destroy();
  noteProvisioned(false);
  for (const guest of site.lab.guests) expect(await leftovers(guest), guest.name).toEqual([]);
  for (const node of ["n1", "n2"] as const)
    expect((await site.guest(node).run("ls /var/lib/etcd")).stdout).toContain("member");

  await site.up();
  await site.untilAtHome();
  noteProvisioned(true);
  expect(await site.etcdctl("n2", "get --print-value-only /kept")).toBe("over a destroy");
  await site.hashesAgree();
});
