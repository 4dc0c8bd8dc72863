import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { loadSite } from "../../../components/config/load.ts";
import { parseSite } from "../../../components/config/parse.ts";
import { certificate, hostKeys, type Raw, rawSite, siteOf } from "./sample.ts";

const sshKey = pem();
const nodeKeys = [pem(), pem()];

function pem(): string {
  return generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const withSshKey = (site: Raw) => Object.assign(site.ssh, { privateKey: sshKey });

/** The configuration of a stack, as the language host hands it over. */
function stackConfig(raw: unknown, secretKeys: string[] = ["tandem:site"]): pulumi.Config {
  vi.stubEnv("PULUMI_CONFIG_SECRET_KEYS", JSON.stringify(secretKeys));
  pulumi.runtime.setAllConfig({ "tandem:site": JSON.stringify(raw) }, secretKeys);
  return new pulumi.Config("tandem");
}

function promised<T>(output: pulumi.Output<T>): Promise<T> {
  return new Promise((resolve) => output.apply(resolve));
}

function existingWitness(site: Raw) {
  site.witness = {
    url: "https://witness.example:8443/tandem/",
    caCertificate: certificate,
    credentials: {
      nodeOne: { clientCertificate: certificate, clientKey: nodeKeys[0] },
      nodeTwo: { clientCertificate: certificate, clientKey: nodeKeys[1] },
    },
  };
}

describe("the site of a stack", () => {
  it("holds its SSH key as a Pulumi secret", async () => {
    const { ssh } = loadSite(stackConfig(rawSite(withSshKey)));
    expect(await pulumi.isSecret(ssh.privateKey)).toBe(true);
    expect(await promised(ssh.privateKey)).toBe(sshKey);
  });

  it("holds the keys for an existing witness as Pulumi secrets", async () => {
    const raw = rawSite((site) => {
      withSshKey(site);
      existingWitness(site);
    });
    const { witness } = loadSite(stackConfig(raw));
    if (witness?.kind !== "existing") throw new Error(witness?.kind);
    const keys = [witness.credentials.nodeOne.clientKey, witness.credentials.nodeTwo.clientKey];
    expect(await Promise.all(keys.map(pulumi.isSecret))).toEqual([true, true]);
    expect(await Promise.all(keys.map(promised))).toEqual(nodeKeys);
    expect(witness).toMatchObject({ url: "https://witness.example:8443/tandem", waitOffsetMs: 300 });
  });

  it("holds the token of k3s as a Pulumi secret", async () => {
    const raw = rawSite((site) => {
      withSshKey(site);
      const sha256 = { k3s: "0".repeat(64), images: "0".repeat(64) };
      const address = { vip: "10.77.1.10/24", interface: "eth0" };
      site.kubernetes = { distribution: "k3s", version: "v1.34.4+k3s1", sha256, ...address, token: "hunter2" };
    });
    const { kubernetes } = loadSite(stackConfig(raw));
    if (kubernetes.distribution !== "k3s" || kubernetes.token === undefined) throw new Error("no token");
    expect(await pulumi.isSecret(kubernetes.token)).toBe(true);
    expect(await promised(kubernetes.token)).toBe("hunter2");
    expect(() => loadSite(stackConfig(raw, []))).toThrow("kubernetes.token: is in plain text in the stack file");
  });

  it("is read with its environment's file", () => {
    const raw = rawSite((site) => {
      withSshKey(site);
      delete site.datastore;
      site.environment = "production";
    });
    expect(loadSite(stackConfig(raw)).datastore.kind).toBe("etcd-witness");
  });

  it("is refused with all its errors", () => {
    const raw = rawSite((site) => {
      withSshKey(site);
      site.name = "A";
      site.extra = 1;
    });
    expect(() => loadSite(stackConfig(raw))).toThrow(
      new Error(`the site's configuration cannot be used:
  tandem:site: extra: unknown key; known here: environment, name, nodes, ssh, witness, datastore, kubernetes, artifacts, pki, destroy
  tandem:site: name: is "A"; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters`),
    );
  });

  it("is refused with a key in plain text", () => {
    expect(() => loadSite(stackConfig(rawSite(withSshKey), []))).toThrow(
      new Error(`the site's configuration cannot be used:
  tandem:site: ssh.privateKey: is in plain text in the stack file; make a new key and set it with \`pulumi config set --path 'tandem:site.ssh.privateKey' --secret\``),
    );
  });

  it("is refused as a whole if it is missing or no map, without its text", () => {
    const sections = "environment, name, nodes, ssh, witness, datastore, kubernetes, artifacts, pki, destroy";
    expect(() => loadSite(stackConfig(sshKey))).toThrow(
      new Error(`the site's configuration cannot be used:\n  tandem:site: is a text; must be a map of ${sections}`),
    );
    pulumi.runtime.setAllConfig({ "tandem:site": sshKey });
    expect(() => loadSite(new pulumi.Config("tandem"))).toThrow(
      new Error(`the site's configuration cannot be used:\n  tandem:site: is a text; must be a map of ${sections}`),
    );
    pulumi.runtime.setAllConfig({});
    expect(() => loadSite(new pulumi.Config("tandem"))).toThrow(
      new Error(`the site's configuration cannot be used:\n  tandem:site: is missing; must be a map of ${sections}`),
    );
  });

  it("shows its warnings in Pulumi's log", () => {
    const warn = vi.spyOn(pulumi.log, "warn").mockResolvedValue();
    const raw = rawSite((site) => {
      withSshKey(site);
      for (const node of site.nodes) node.hostKey = hostKeys.nodeOne;
    });
    loadSite(stackConfig(raw));
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^tandem:site: nodes\[1\]\.hostKey: is also nodes\[0\]/)]]);
  });
});

describe("a secret", () => {
  const secret = "hunter2-hunter2";

  it.each<[string, (site: Raw) => void, string]>([
    [
      "SSH key",
      (site) => Object.assign(site.ssh, { privateKey: secret }),
      "ssh.privateKey: is a text; must be an SSH private key without a passphrase, set with `pulumi config set --path --secret`",
    ],
    [
      "SSH key in place of its map",
      (site) => Object.assign(site, { ssh: secret }),
      "ssh: is a text; must be a map of user, privateKey, port, dialTimeout, dialAttempts",
    ],
    [
      "key for the witness",
      (site) => {
        existingWitness(site);
        site.witness.credentials.nodeTwo.clientKey = secret;
      },
      "witness.credentials.nodeTwo.clientKey: is a text; must be an unencrypted private key in PEM, set with `pulumi config set --path --secret`",
    ],
    [
      "witness's password",
      (site) => {
        existingWitness(site);
        site.witness.url = `https://user:${secret}@witness.example`;
      },
      "witness.url: holds a user or a password; nodes prove themselves by certificates",
    ],
    [
      "key pasted as a host key",
      (site) => Object.assign(site.nodes[0], { hostKey: pem() }),
      "nodes[0].hostKey: has several lines; give one key",
    ],
    [
      "key pasted as a name",
      (site) => Object.assign(site, { name: `-----BEGIN PRIVATE KEY-----\n${secret}` }),
      "name: is a text of 43 characters; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters",
    ],
  ])("%s that is wrong is refused without its value", (_, spoil, message) => {
    const result = parseSite(rawSite(spoil), {});
    expect(result).toMatchObject({ errors: [`tandem:site: ${message}`] });
    expect(JSON.stringify(result)).not.toContain(secret);
  });

  it("is not printed by any usual way", () => {
    const site = siteOf(withSshKey);
    const { privateKey } = site.ssh;
    const printed = [JSON.stringify(site), inspect(site, { depth: 9, showHidden: true }), `${privateKey}`].join("\n");
    expect(printed).not.toContain(sshKey.split("\n")[1]);
    expect(printed).toContain("[secret]");
    expect(privateKey.reveal()).toBe(sshKey);
  });

  it("that is still encrypted cannot be revealed", () => {
    expect(() => siteOf().ssh.privateKey.reveal()).toThrow(
      new Error("a secret of this site is still encrypted: read the stack through Pulumi"),
    );
  });
});

describe("an existing witness", () => {
  it("is not one of the nodes", () => {
    const raw = rawSite((site) => {
      existingWitness(site);
      site.witness.url = "https://10.77.1.12:8443";
    });
    expect(parseSite(raw, {})).toMatchObject({
      errors: [
        "tandem:site: witness.url: 10.77.1.12 is nodes[1].frontend; the witness decides between the nodes and must be a third machine",
      ],
    });
  });

  it("needs certificates and a credential per node, and nothing of a managed one", () => {
    const raw = rawSite((site) => {
      existingWitness(site);
      site.witness.host = "10.77.1.20";
      site.witness.caCertificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
      delete site.witness.credentials.nodeTwo;
    });
    expect(parseSite(raw, {})).toMatchObject({
      errors: [
        "tandem:site: witness.caCertificate: is a text of 58 characters; must be an X.509 certificate in PEM",
        "tandem:site: witness.credentials.nodeTwo: is missing; must be a map of clientCertificate, clientKey",
        "tandem:site: witness.host: unknown key; known here: url, caCertificate, credentials, waitOffset",
      ],
    });
  });
});
