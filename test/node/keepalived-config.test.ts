import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "../../components/cli/process.ts";
import { type AddressPlan, keepalivedFiles } from "../../components/keepalived.ts";
import { kubernetesUser } from "../../components/kubernetes/paths.ts";

const plan: AddressPlan = {
  site: "store-0042",
  nodes: [
    { name: "n1", frontend: "192.0.2.11" },
    { name: "n2", frontend: "192.0.2.12" },
  ],
  vip: { kind: "vip", address: "192.0.2.10", prefixLength: 24, interface: interfaceHere() },
  times: { notReadyAfter: 5 },
  aside: "/run/tandem/aside",
  probeUser: kubernetesUser,
};

/** keepalived wants one that exists, and not the loopback. */
function interfaceHere(): string {
  const [name] = Object.entries(networkInterfaces()).find(([, entries]) => entries?.[0]?.internal === false) ?? [];
  if (name === undefined) throw new Error("this machine has no network interface but the loopback");
  return name;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tandem-keepalived-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The account and the probe of a node are not on this machine. */
function onThisMachine(text: string): string {
  return text
    .replace("script_user tandem-kubernetes", "script_user root")
    .replaceAll(/\/usr\/local\/lib\/tandem\/[a-z-]+\.sh/g, "/bin/true");
}

async function keepalivedReads(text: string): Promise<{ code: number | null; said: string }> {
  const file = join(folder, "keepalived.conf");
  writeFileSync(file, text, { mode: 0o644 });
  const { code, stdout, stderr } = await run(["keepalived", "-t", "-f", file], { timeoutMs: 20_000 });
  return { code, said: `${stdout}${stderr}` };
}

test.each([0, 1] as const)("keepalived reads the configuration of node %i without a word", async (index) => {
  const files = keepalivedFiles(plan, index).files ?? {};
  const text = onThisMachine(files["/etc/keepalived/keepalived.conf"]?.content ?? "");
  expect(await keepalivedReads(text)).toEqual({ code: 0, said: "" });
});

test("where no agent says which node goes on, keepalived reads a configuration that asks for no such word", async () => {
  const { files = {} } = keepalivedFiles({ ...plan, aside: undefined }, 0);
  const text = files["/etc/keepalived/keepalived.conf"]?.content ?? "";
  expect(await keepalivedReads(onThisMachine(text))).toEqual({ code: 0, said: "" });
  for (const { content } of Object.values(files)) expect(content).not.toMatch(/track_file|aside/);
});

test("a probe that only root may run is run by root, and nobody is made for it", () => {
  const { files, users } = keepalivedFiles({ ...plan, probeUser: undefined }, 0);
  expect(files?.["/etc/keepalived/keepalived.conf"]?.content).toContain("script_user root\n");
  expect(users).toEqual([]);
});

test("it tells a word that it does not know", async () => {
  const text = onThisMachine(keepalivedFiles(plan, 0).files?.["/etc/keepalived/keepalived.conf"]?.content ?? "");
  const { code, said } = await keepalivedReads(text.replace("virtual_router_id", "virtual_rooter_id"));
  expect(code).not.toBe(0);
  expect(said).toContain("virtual_rooter_id");
});
