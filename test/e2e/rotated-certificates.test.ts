import { expect } from "vitest";
import { scenario } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

const authorities = ["etcd-ca", "site-ca", "witness-ca"];
const leaves = ["etcd-server", "etcd-peer", "etcd-client", "agent", "witness-client"];
const files = [...authorities, ...leaves].map((name) => `${name}.crt`);

scenario("all certificates are rotated by one number, and writes go on", async (site) => {
  const before = await certificates(site);
  const report = await site.withLoad(async (load) => {
    await site.stack.change((config) => {
      config.pki = { ...config.pki, rotation: (config.pki?.rotation ?? 0) + 1 };
    });
    expect(await site.up()).not.toContain("PRIVATE KEY");
    await site.untilAtHome();
    await load.untilWriting(15_000, "E1");
    await load.untilWriting(15_000, "E2");
  });
  const after = await certificates(site);
  expect(after).toHaveLength(before.length);
  expect(after.filter((digest) => before.includes(digest))).toEqual([]);
  expect(report.gap().ms).toBeLessThan(10_000);
  await site.hashesAgree();
});

/** `<node> <digest> <file>` of what each node shows and trusts. */
async function certificates(site: Site): Promise<string[]> {
  const each = nodes.map(async (node) => {
    const { stdout } = await site.guest(node).run(`cd /etc/tandem/pki && sha256sum ${files.join(" ")}`);
    return stdout
      .trim()
      .split("\n")
      .map((line) => `${node} ${line}`);
  });
  return (await Promise.all(each)).flat();
}
