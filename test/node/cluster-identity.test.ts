import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { identify } from "../../components/cli/cluster-identity.ts";
import { issueAuthority, issueLeaf } from "../../components/pki/provider/x509.ts";
import { ApiServer } from "./api-server.ts";
import { valid } from "./site-certificates.ts";
import { freePort } from "./sshd.ts";

let site: ApiServer;
let another: ApiServer;

beforeAll(async () => {
  site = await ApiServer.start();
  another = await ApiServer.start();
}, 1_800_000);
afterAll(async () => {
  await site.stop();
  await another.stop();
});

const ask = (servers: Record<string, string>, credential = site.access) => identify({ servers, ...credential }, 3_000);

describe("which cluster answers", () => {
  it("is told by the UID of kube-system", async () => {
    const { stdout } = await site.kubectl(["get", "namespace", "kube-system", "--output", "jsonpath={.metadata.uid}"]);
    expect(await ask({ "kubernetes.vip": site.address, "nodes[0].frontend": site.address })).toBe(stdout);
    expect(stdout).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("is refused where another cluster has one of the addresses", async () => {
    const told = ask({ "kubernetes.vip": another.address, "nodes[0].frontend": site.address });
    await expect(told).rejects.toThrow(
      `the API at kubernetes.vip, ${another.address}, is of another cluster than the kubeconfig of this site: its certificate is not trusted`,
    );
  });

  it("is refused with the certificate of another cluster's operator", async () => {
    const { certificate, key } = another.access;
    const told = ask({ "kubernetes.vip": site.address }, { ...site.access, certificate, key });
    await expect(told).rejects.toThrow("does not let in the operator of this site's kubeconfig (401)");
  });

  it("is refused where two of them answer that trust one authority", async () => {
    const authority = await issueAuthority("another CA of the site", valid);
    const subject = { commonName: "x", dnsNames: [], ipAddresses: ["127.0.0.1"], usages: ["server" as const] };
    const { certificatePem, privateKeyPem } = await issueLeaf(subject, valid, authority);
    const standIn = createServer({ cert: certificatePem, key: privateKeyPem }, (_question, answer) =>
      answer.end(JSON.stringify({ metadata: { uid: "of-another" } })),
    );
    await new Promise<void>((resolve) => standIn.listen(0, "127.0.0.1", resolve));
    const address = `127.0.0.1:${(standIn.address() as AddressInfo).port}`;
    const trust = `${site.access.trust}${authority.certificatePem}`;
    const told = ask({ "nodes[0].frontend": site.address, "nodes[1].frontend": address }, { ...site.access, trust });
    await expect(told).rejects.toThrow(
      /different clusters answer .*\n- nodes\[0\].*[0-9a-f]\n- nodes\[1\].*: of-another\nNothing is made/,
    );
    standIn.close();
  });

  it("is waited for, and told when nothing answers", async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    await expect(ask({ "nodes[1].frontend": nobody })).rejects.toThrow(
      `no API answers at nodes[1].frontend, ${nobody}: connect ECONNREFUSED ${nobody}, for 3 s`,
    );
  });
});
