import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import type { Guest } from "../lab/guest.ts";
import { guideSite as neighbour } from "../node/own-witness.ts";
import { leftovers } from "./leftovers.ts";
import { OwnWitness } from "./own-witness.ts";
import { blankScenario } from "./scenario.ts";
import type { Site } from "./site.ts";

/** A generation that no volume has. */
const gen = "00000000000000F0";

blankScenario(
  "a web server that two sites share decides for one of them, and is not touched otherwise",
  async (site) => {
    const w = site.lab.guest("w");
    const witness = await OwnWitness.install(w, ["lab", neighbour]);
    await witness.serve();
    await claimForNeighbour(w, witness);
    const theirs = await listing(w, `/srv/witness/${neighbour}`);
    const server = await serverAsItIs(w);
    const use = async () => {
      await witness.use(site.stack);
      await site.stack.change((config) => {
        config.destroy = { purgeData: true };
      });
    };

    await site.changed(use, async () => {
      await site.up();
      await site.untilAtHome();
      await writesInItsOwnNameOnly(site, w, witness.url);

      await site.withLoad(async (load) => {
        const { volume } = (await site.status("n1")).local;
        const before = await claims(w, volume.gen);
        await sleep(2000);
        await site.guest("n1").powerCut();
        await load.untilWriting(15_000, "E2");
        expect(await site.whoRunsT()).toEqual(["n2"]);
        const decided = (await claims(w, volume.gen)).filter((claim) => !before.includes(claim));
        expect(decided).toHaveLength(1);
        expect((await w.run(`cat ${decided[0]}/owner`)).stdout).toBe("n2");
        await site.powerOn("n1");
        await site.untilAtHome();
      });
      await site.hashesAgree();

      await site.up(["--expect-no-changes"]);
      await site.destroy();
    });
    for (const guest of site.lab.guests) expect(await leftovers(guest), guest.name).toEqual([]);
    expect(await serverAsItIs(w)).toEqual(server);
    expect(await listing(w, `/srv/witness/${neighbour}`)).toEqual(theirs);
    await witness.remove();
  },
);

/** What node one may do with its credential, and what it may not. */
async function writesInItsOwnNameOnly(site: Site, w: Guest, url: string): Promise<void> {
  const ask = asker(site.guest("n1"), url, "/etc/tandem/pki/witness-client", "/etc/tandem/pki/witness-ca.crt");
  const tree = `/lab/${await tokenOf(w, "lab")}`;
  const elsewhere = `/${neighbour}/${await tokenOf(w, neighbour)}`;
  const own = `${tree}/staging/n1-${gen}.0`;
  const [folder = ""] = await names(w, `/srv/witness${tree}/staging/n2-*`);
  const siblings = folder.slice("/srv/witness".length);
  expect(siblings, "what node two has staged").not.toBe("");
  const before = await listing(w, folder);

  expect(await ask("MKCOL", `${own}/`)).toBe("201");
  expect(await ask("PUT", `${own}/owner`)).toBe("201");
  const forbidden: Record<string, Parameters<typeof ask>> = {
    "stage in the other site's tree": ["MKCOL", `${elsewhere}/staging/n1-${gen}.0/`],
    "claim in the other site's tree": ["MOVE", `${own}/`, `${elsewhere}/claims/${gen}.0/`],
    "release the other site's claim": ["PUT", `${elsewhere}/claims/${gen}.1/released`],
    "clear the other site's claim away": ["DELETE", `${elsewhere}/claims/${gen}.1/`],
    "stage in its sibling's name": ["MKCOL", `${tree}/staging/n2-${gen}.0/`],
    "own what its sibling has staged": ["PUT", `${siblings}/owner`],
    "clear away what its sibling has staged": ["DELETE", `${siblings}/`],
    "claim with what its sibling has staged": ["MOVE", `${siblings}/`, `${tree}/claims/${gen}.0/`],
  };
  for (const [what, request] of Object.entries(forbidden)) expect(await ask(...request), what).toBe("403");
  expect(await listing(w, folder)).toEqual(before);
  expect(await ask("DELETE", `${own}/`)).toBe("204");
}

/** The other site is alive: it holds a claim, made with its own credential. */
async function claimForNeighbour(w: Guest, witness: OwnWitness): Promise<void> {
  const { certificatePem, privateKeyPem } = witness.credential(neighbour, "n1");
  await w.run("cat >/run/neighbour.crt", { input: certificatePem });
  await w.run("umask 077 && cat >/run/neighbour.key", { input: privateKeyPem });
  const ask = asker(w, witness.url, "/run/neighbour", "/etc/witness/nodes-ca.crt");
  const tree = `/${neighbour}/${await tokenOf(w, neighbour)}`;
  const staged = `${tree}/staging/n1-${gen}.1/`;
  expect(await ask("MKCOL", staged)).toBe("201");
  expect(await ask("PUT", `${staged}owner`)).toBe("201");
  expect(await ask("MOVE", staged, `${tree}/claims/${gen}.1/`)).toBe("201");
}

/** Asks the server from a machine, with the credential that lies there. @returns the status */
function asker(guest: Guest, url: string, credential: string, authority: string) {
  return async (method: string, path: string, target?: string): Promise<string> => {
    const move = target === undefined ? "" : `-H 'Overwrite: F' -H 'Destination: ${url}${target}'`;
    const body = method === "PUT" ? "-d n1" : "";
    const tls = `--cacert ${authority} --cert ${credential}.crt --key ${credential}.key`;
    const curl = `curl -s -o /dev/null -w '%{http_code}' ${tls} -X ${method} ${move} ${body} ${url}${path}`;
    return (await guest.run(curl)).stdout;
  };
}

async function tokenOf(w: Guest, of: string): Promise<string> {
  return (await w.run(`cat /srv/witness/${of}/incarnation`)).stdout;
}

/** Folders of the claims to a generation of the site. */
async function claims(w: Guest, generation: string | null): Promise<string[]> {
  return names(w, `/srv/witness/lab/${await tokenOf(w, "lab")}/claims/${generation}.*`);
}

async function names(guest: Guest, pattern: string): Promise<string[]> {
  return (await guest.run(`ls -d ${pattern}`, { check: false })).stdout.split("\n").filter(Boolean);
}

/** Every file below some folders with its times: whatever was changed in between, and changed back, differs. */
async function listing(guest: Guest, ...folders: string[]): Promise<string[]> {
  const { stdout } = await guest.run(`find ${folders.join(" ")} -printf '%p %M %u %s %i %T@ %C@ %l\n' | sort`);
  return stdout.trim().split("\n");
}

/** What its administrator configured, the processes since then, and who has logged in. */
async function serverAsItIs(w: Guest): Promise<string[]> {
  const look =
    "pgrep -a nginx; grep /srv/ /proc/mounts; dpkg -l; cat /srv/witness/*/incarnation; " +
    "journalctl -q -o cat -t sshd -t sshd-session -g Accepted";
  const { stdout } = await w.run(look);
  expect(stdout).toMatch(/nginx: worker.*Accepted publickey/s);
  return [...(await listing(w, "/etc", "/usr/local")), ...stdout.split("\n")];
}
