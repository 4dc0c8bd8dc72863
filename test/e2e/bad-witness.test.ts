import { expect } from "vitest";
import { type FailedUp, failing } from "./failing-up.ts";
import { leftovers } from "./leftovers.ts";
import { OwnWitness, otherAuthority } from "./own-witness.ts";
import { blankScenario } from "./scenario.ts";
import { nodes } from "./site.ts";

const url = "https://10.77.1.20:8443/lab";

blankScenario(
  "a witness without WebDAV, with the wrong certificate, or full: each is told by both nodes, and no volume is made",
  async (site) => {
    const w = site.lab.guest("w");
    const witness = await OwnWitness.install(w, ["lab"]);
    const up = (authority?: Parameters<OwnWitness["use"]>[1]) =>
      failing(site, () => witness.use(site.stack, authority));

    await witness.serve((configuration) => configuration.replace(/^ *dav_methods .*$/m, ""));
    tellsOnBoth(
      await up(),
      `${url} answered the deletion of a folder with 405: it does not offer WebDAV there; PUT, DELETE, MKCOL and MOVE are needed.`,
    );

    await witness.serve();
    tellsOnBoth(
      await up(await otherAuthority()),
      `${url} cannot be asked for the incarnation token: its certificate is not signed by the authority in witness.caCertificate; ` +
        "give the right authority, or correct the server's certificate.",
    );

    await w.run("dd if=/dev/zero of=/srv/witness/lab/filler bs=1M || true");
    tellsOnBoth(
      await up(),
      `${url} answered PUT in the staging folder with 500: it failed; see its error log (a full file system, or a folder that its ` +
        "user cannot write).",
    );

    for (const node of nodes)
      expect((await site.guest(node).run("ls /var/lib/tandem; wipefs /dev/ubdb")).stdout).not.toMatch(/volume|drbd/);
    await witness.remove();
    await site.destroy();
    for (const guest of site.lab.guests) expect(await leftovers(guest), guest.name).toEqual([]);
  },
);

function tellsOnBoth({ output }: FailedUp, message: string): void {
  for (const node of nodes) expect(output).toMatch(new RegExp(`witness-check-${node}\\b`));
  expect(output.split(`tandem witness-check: ${message}\n`).length - 1).toBeGreaterThanOrEqual(2);
}
