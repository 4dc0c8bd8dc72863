import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { blankScenario, noteProvisioned } from "./scenario.ts";
import { nodes, type Site } from "./site.ts";

blankScenario("one up makes a protected site of blank machines, within three minutes", async (site) => {
  const startedAt = performance.now();
  const output = await site.up();
  await site.untilAtHome();
  expect(performance.now() - startedAt).toBeLessThan(180_000);
  noteProvisioned(true);

  expect(await site.whoRunsT()).toEqual(["n1"]);
  expect(output).not.toContain("PRIVATE KEY");
  expect(await listMembersAsClient(site)).toEqual(["E1", "E2", "T"]);
  const { stdout: mounts } = await site.guest("n2").run("cat /proc/mounts");
  expect(mounts).not.toContain("/var/lib/etcd-transient");

  for (const node of nodes) {
    const { stdout: told } = await site.guest(node).run("tandem status");
    expect(told).toMatch(/^T runs on +n1$/m);
    expect(told).toMatch(/^leader +E2$/m);
    for (const part of ["node one", "node two", "witness"]) expect(told).toMatch(new RegExp(`^  ${part} +yes$`, "m"));
    const { stdout: json } = await site.guest(node).run("tandem status --json");
    expect(JSON.parse(json)).toMatchObject({ node, runsT: "n1", leader: "E2", local: { door: "open" } });
  }

  await site.withLoad(async () => {
    await sleep(5000);
  });
  await site.hashesAgree();
});

/** With nothing but the stack's outputs, as README says. */
async function listMembersAsClient({ stack, lab }: Site): Promise<string[]> {
  const file = async (output: string) => {
    const path = join(lab.folder, output);
    await writeFile(path, await stack.output(output), { mode: 0o600 });
    return path;
  };
  const endpoints = (await stack.output("etcdEndpoints")).trim();
  const tls = ["--cacert", await file("etcdCaCertificate"), "--cert", await file("etcdClientCertificate")];
  const etcdctl = ["etcdctl", "--endpoints", endpoints, ...tls, "--key", await file("etcdClientKey")];
  const { stdout } = await lab.exec([...etcdctl, "member", "list"], { env: lab.pulumiEnv() });
  const members = stdout.trim().split("\n");
  return members.map((line) => line.split(", ")[2] ?? "").sort();
}
