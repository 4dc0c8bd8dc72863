import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import type { SiteConfig } from "../../components/config/schema.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { type Recording, recordRegistrations } from "./recorder.ts";

const clientKey = "-----BEGIN PRIVATE KEY-----\nonly a test knows this\n";

let recording: Recording;
let site: Site;

beforeAll(async () => {
  recording = await recordRegistrations(["certificatePem", "privateKeyPem", "trustPem", "base64", "stdout"]);
  const config = readSite("example-external-etcd");
  if (config.witness !== undefined) throw new Error("the example has a witness");
  const ssh = { ...config.ssh, privateKey: pulumi.secret("of a test") };
  const datastore = { ...config.datastore, clientKey: pulumi.secret(clientKey) };
  site = new Site(config.name, { ...config, ssh, datastore } satisfies SiteConfig);
  await recording.settled();
});

describe("a site on an etcd cluster of somebody else", () => {
  it("makes neither a volume nor members, a witness or an agent", () => {
    const host = ["bootstrap", "preflight", "program", "sources"];
    const own = ["etcd-check", "node", "upstream", "upstream-secrets", "keepalived"];
    const ofNodeOne = ["cluster-identity-n1", "rewrite-secrets-n1"];
    const names = [...[...host, ...own].flatMap((name) => [`${name}-n1`, `${name}-n2`]), ...ofNodeOne];
    expect(recording.commands.map(({ name }) => name).sort()).toEqual(names.sort());
    const pushed = recording.commands.filter(({ name }) => own.some((each) => name.startsWith(`${each}-n`)));
    const sent = pushed.map(({ inputs }) => JSON.stringify(inputs.stdin)).join();
    expect(/etcd-transient|tandem-agent|drbd\.d|etcd\.service|witness/.exec(sent)).toBeNull();
  });

  it("installs nothing on any node before both reach the cluster and were looked at", () => {
    for (const earlier of ["etcd-check-n1", "etcd-check-n2", "preflight-n1", "preflight-n2"])
      for (const node of ["n1", "n2"]) expect(recording.isAfter(`node-${node}`, earlier)).toBe(true);
    expect(recording.isAfter("upstream-secrets-n2", "node-n2")).toBe(true);
    expect(recording.isAfter("etcd-check-n1", "preflight-n1"), "one that is refused hides no other").toBe(false);
  });

  it("gives each API server every server and the client's certificate, whose key is a secret everywhere", () => {
    for (const node of ["n1", "n2"]) {
      const { inputs } = recording.command(`upstream-${node}`);
      expect(JSON.stringify(inputs.stdin)).toContain(
        "--etcd-servers=https://10.77.1.31:2379,https://10.77.1.32:2379,https://10.77.1.33:2379",
      );
      expect(JSON.stringify(recording.command(`upstream-secrets-${node}`).inputs.stdin)).toContain("only a test knows");
    }
    const holders = recording.registered.filter(({ inputs }) => JSON.stringify(inputs).includes("only a test knows"));
    expect(holders.map(({ name }) => name).sort()).toEqual(
      ["etcd-check-n1", "etcd-check-n2", "upstream-secrets-n1", "upstream-secrets-n2"].sort(),
    );
    for (const { name, secrets } of holders) expect(secrets, name).toContain("stdin");
  });

  it("tells an operator where it is, what it takes and how it is", async () => {
    expect(site.etcdEndpoints).toBe("https://10.77.1.31:2379,https://10.77.1.32:2379,https://10.77.1.33:2379");
    expect(await pulumi.isSecret(site.etcdClientKey)).toBe(true);
    expect(site.predictedFailover).toEqual({ serverDies: "up to 15s, as datastore.longestGap says" });
    expect(site.status).toBe("ssh root@10.77.1.11 /usr/local/lib/tandem/api-server-probe.sh readyz");
  });
});
