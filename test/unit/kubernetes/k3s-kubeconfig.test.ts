import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readKubeconfig } from "../../../components/cli/kubeconfig.ts";
import { kubeconfig } from "../../../components/kubernetes/kubeconfig.ts";
import { type Issued, issueAuthority, issueLeaf } from "../../../components/pki/provider/x509.ts";

const folder = mkdtempSync(join(tmpdir(), "tandem-kubeconfig-"));
const files = {
  kubeconfig: join(folder, "k3s.yaml"),
  serverCa: join(folder, "server-ca.crt"),
  clientCa: join(folder, "client-ca.crt"),
};
const valid = { notBefore: "2026-01-01T00:00:00.000Z", notAfter: "2027-01-01T00:00:00.000Z" };
const now = new Date("2026-06-01T00:00:00Z");
let servers: Issued;
let clients: Issued;
let others: Issued;
const base64 = (text: string) => Buffer.from(text).toString("base64");

beforeAll(async () => {
  servers = await issueAuthority("k3s-server-ca", valid);
  clients = await issueAuthority("k3s-client-ca", valid);
  others = await issueAuthority("k3s-server-ca", valid);
  writeFileSync(files.serverCa, servers.certificatePem);
  writeFileSync(files.clientCa, clients.certificatePem);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** As k3s writes it, for a cluster with these authorities. */
async function written(trust: Issued, signer: Issued): Promise<string> {
  const subject = { commonName: "system:admin", dnsNames: [], ipAddresses: [], usages: ["client" as const] };
  const operator = await issueLeaf(subject, valid, signer);
  const cluster = {
    server: "https://127.0.0.1:6443",
    "certificate-authority-data": base64(trust.certificatePem),
  };
  const text = kubeconfig("default", cluster, {
    "client-certificate-data": base64(operator.certificatePem),
    "client-key-data": base64(operator.privateKeyPem),
  });
  writeFileSync(files.kubeconfig, text);
  return text;
}

const again = /; run `systemctl restart k3s`, which writes it anew, and `pulumi up` again$/;

describe("the kubeconfig on a node with k3s", () => {
  it("is told where it is of the cluster that the node runs", async () => {
    const text = await written(servers, clients);
    expect(await readKubeconfig(files, now)).toBe(text);
  });

  it("is refused where it trusts another cluster's servers", async () => {
    await written(others, clients);
    const told = readKubeconfig(files, now);
    await expect(told).rejects.toThrow(
      /is of another cluster than this node's: it trusts the authority ([0-9A-F]{2}:)+/,
    );
    await expect(told).rejects.toThrow(again);
  });

  it("is refused where another cluster signed its certificate", async () => {
    await written(servers, others);
    await expect(readKubeconfig(files, now)).rejects.toThrow(`${files.clientCa} has not signed its certificate`);
  });

  it("is refused when its certificate has ended", async () => {
    await written(servers, clients);
    const told = readKubeconfig(files, new Date("2027-06-01T00:00:00Z"));
    await expect(told).rejects.toThrow("has a certificate that was good until Jan  1 00:00:00 2027 GMT");
  });

  it("is refused where it is none, without its text", async () => {
    writeFileSync(files.kubeconfig, "hunter2");
    const told = readKubeconfig(files, now);
    await expect(told).rejects.toThrow("does not hold the trust and the certificate of an operator");
    await expect(told).rejects.not.toThrow("hunter2");
  });

  it.each(["kubeconfig", "serverCa"] as const)("is missed by its %s", async (which) => {
    await written(servers, clients);
    const told = readKubeconfig({ ...files, [which]: join(folder, "missing") }, now);
    await expect(told).rejects.toThrow(`there is no ${join(folder, "missing")}; k3s writes it`);
  });
});
