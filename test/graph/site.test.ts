import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import type { SiteConfig } from "../../components/config/schema.ts";
import { Site } from "../../components/site.ts";
import { readSite } from "../golden/rendered.ts";
import { type Recording, recordRegistrations } from "./recorder.ts";

const privateKey = "-----BEGIN OPENSSH PRIVATE KEY-----\nonly a test knows this\n";

let recording: Recording;
let site: Site;

beforeAll(async () => {
  recording = await recordRegistrations(["certificatePem", "privateKeyPem", "trustPem", "stdout"]);
  const config = readSite("example");
  const secrets = { ssh: { ...config.ssh, privateKey: pulumi.secret(privateKey) } };
  site = new Site(config.name, { ...config, ...secrets } satisfies SiteConfig);
  await recording.settled();
});

describe("the commands of a site", () => {
  it("are these, each named by what it is for and by its machine", () => {
    const both = [
      "agent",
      "bootstrap",
      "drbd",
      "drbd-secrets",
      "etcd",
      "etcd-transient",
      "members",
      "node",
      "pki-secrets",
    ];
    const more = ["preflight", "program", "sources", "volume", "witness-check"];
    const names = [...both, ...more].flatMap((name) => [`${name}-n1`, `${name}-n2`]);
    const single = ["protected-n1", "volume-first-sync-n1", "volume-settle-n2"];
    const witness = ["bootstrap", "preflight", "program", "sources", "witness-example", "witness-example-secrets"];
    expect(recording.commands.map(({ name }) => name).sort()).toEqual(
      [...names, ...single, ...witness.map((name) => `${name}-witness`)].sort(),
    );
  });

  it("are constants on every machine: nothing of the configuration is in a command line", () => {
    const lines = new Set(recording.commands.flatMap(({ inputs }) => [inputs.create, inputs.update, inputs.delete]));
    const own = [...lines].filter((line): line is string => typeof line === "string");
    for (const line of own) expect(line).not.toMatch(/10\.77|example|n1|n2|PRIVATE|Pem/);
    expect(own.filter((line) => !/bootstrap\.sh|sources\.env/.test(line)).sort()).toEqual([
      "timeout --kill-after=10 120 /usr/local/sbin/tandem witness-check",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem apply",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem member created",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem preflight",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem remove",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem volume create",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem volume destroy",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem volume first-sync",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem volume settle",
      "timeout --kill-after=10 900 /usr/local/sbin/tandem wait protected",
    ]);
  });

  it("know the key of the machine they talk to, and give up a dead one in less than a minute", () => {
    for (const { name, inputs } of recording.commands) {
      const connection = plain(inputs.connection);
      expect(connection, name).toMatchObject({ user: "root", port: 22 });
      expect(connection.hostKey, name).toMatch(/^ssh-ed25519 /);
      const { perDialTimeout, dialErrorLimit } = connection as { perDialTimeout: number; dialErrorLimit: number };
      expect(perDialTimeout * (dialErrorLimit + 1), name).toBeLessThan(60);
    }
  });

  it("send nothing through environment variables or logs", () => {
    for (const { name, inputs } of recording.commands) {
      expect(inputs, name).toMatchObject({ addPreviousOutputInEnv: false, logging: "none" });
      expect(Object.keys(inputs), name).not.toContain("environment");
    }
  });
});

describe("secrets", () => {
  it("are marked: connections, and what is sent of keys", () => {
    for (const { name, secrets } of recording.commands) {
      expect(secrets, name).toEqual(name.includes("-secrets-") ? ["connection", "stdin"] : ["connection"]);
    }
  });

  it("are in no text that is not marked", () => {
    for (const { name, inputs, secrets } of recording.commands) {
      const open = Object.entries(inputs).filter(([key]) => !secrets.includes(key));
      // Not toMatch, which would print all of it.
      expect(/privateKeyPem|PRIVATE KEY|only a test knows/.test(JSON.stringify(open)), name).toBe(false);
    }
  });
});

describe("the order", () => {
  it.each([
    [
      "nothing is installed before every machine was looked at",
      "node-n1",
      ["preflight-n1", "preflight-n2", "preflight-witness"],
    ],
    [
      "one machine that is refused hides no other: all are looked at together",
      "preflight-n1",
      ["program-n1", "program-n2", "program-witness"],
    ],
    [
      "the witness is no exception",
      "witness-example-witness",
      ["preflight-n1", "preflight-n2", "preflight-witness", "witness-example-secrets-witness"],
    ],
    [
      "the volume comes after certificates and scripts on both nodes",
      "volume-n1",
      ["pki-secrets-n1", "pki-secrets-n2", "drbd-n1"],
    ],
    [
      "it is not made before the witness was seen from both nodes",
      "volume-n1",
      ["witness-check-n1", "witness-check-n2"],
    ],
    ["it has its first contents before any etcd starts", "etcd-n2", ["volume-first-sync-n1", "volume-settle-n2"]],
    [
      "the witness is seen from each node once it is there",
      "witness-check-n1",
      ["witness-example-witness", "pki-secrets-n1"],
    ],
    [
      "node two's agent comes last of all that it needs",
      "agent-n2",
      ["etcd-n1", "etcd-transient-n1", "etcd-transient-n2", "witness-check-n1", "witness-check-n2"],
    ],
    ["members are noted when the site is protected", "members-n2", ["protected-n1", "agent-n1", "agent-n2"]],
  ])("%s", (_rule, later, earlier) => {
    for (const name of earlier) expect(recording.isAfter(later, name), `${later} after ${name}`).toBe(true);
  });

  it("changes node two before node one, wherever a daemon may be restarted", () => {
    expect(recording.isAfter("etcd-n1", "etcd-n2")).toBe(true);
    expect(recording.isAfter("agent-n1", "agent-n2")).toBe(true);
  });

  it("makes both copies of the volume at the same time, because each waits for the other", () => {
    expect(recording.isAfter("volume-n1", "volume-n2")).toBe(false);
    expect(recording.isAfter("volume-n2", "volume-n1")).toBe(false);
  });
});

it("tells the predicted failover, and how to see the site's state", () => {
  expect(site.predictedFailover.nodeOneDies).toMatch(/^[\d.]+ s to [\d.]+ s$/);
  expect(site.status).toBe("ssh root@10.77.1.11 tandem status");
});

it("hands out a client's way to etcd, all of it secret but where it is", async () => {
  expect(site.etcdEndpoints).toBe("https://10.77.1.11:2379,https://10.77.1.12:2379");
  const value = <T>(output: pulumi.Output<T>) => new Promise<T>((resolve) => output.apply(resolve));
  expect(await value(site.etcdCaCertificate)).toBe("example-etcd-ca trustPem");
  expect(await value(site.etcdClientCertificate)).toBe("example-etcd-admin certificatePem");
  expect(await value(site.etcdClientKey)).toBe("example-etcd-admin privateKeyPem");
  for (const pem of [site.etcdCaCertificate, site.etcdClientCertificate, site.etcdClientKey])
    expect(await pulumi.isSecret(pem)).toBe(true);
});

/** An input with the marks of its secrets taken off. */
function plain(value: unknown): Record<string, unknown> {
  const object = value as Record<string, unknown>;
  return (Object.hasOwn(object, "value") ? object.value : object) as Record<string, unknown>;
}

it("leaves a witness of somebody else alone, and sees it from each node", async () => {
  const config = readSite("example");
  if (config.witness === undefined) throw new Error("the example has no witness");
  const credential = { clientCertificate: "PEM", clientKey: pulumi.secret("PEM") };
  const witness = {
    kind: "existing",
    url: "https://witness.example.org",
    waitOffsetMs: 500,
    caCertificate: "PEM",
    credentials: { nodeOne: credential, nodeTwo: credential },
  } as const;
  const before = recording.registered.length;
  new Site("other", { ...config, ssh: { ...config.ssh, privateKey: pulumi.secret(privateKey) }, witness });
  await recording.settled();
  const names = recording.registered.slice(before).map(({ name }) => name);
  expect(names.filter((name) => name.includes("witness")).sort()).toEqual(["witness-check-n1", "witness-check-n2"]);
});

it("names what a reader looks for: every machine's parts are under its host", () => {
  expect(recording.command("bootstrap-n1").parent).toBe("n1");
  expect(recording.command("preflight-witness").parent).toBe("witness");
});
