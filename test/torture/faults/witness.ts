import { issueLeaf } from "../../../components/pki/provider/x509.ts";
import type { FaultOf } from "../schedule.ts";
import { answering, type Bench, type Heal, ifAnswering } from "./fault.ts";

const conf = "/etc/nginx/conf.d/tandem-lab.conf";
const pki = "/etc/tandem-witness/lab";
const tree = "/srv/tandem-witness/lab";
const mount = "srv-tandem\\x2dwitness-lab.mount";

export async function harmWitness(bench: Bench, { how }: FaultOf<"witness">): Promise<Heal> {
  const guest = answering(bench, "w");
  switch (how) {
    case "error 500": {
      await guest.run(`cp -p ${conf} ${conf}.right && sed -i 's|location /lab/ {|& return 500;|' ${conf} && sync`);
      await guest.run("systemctl reload nginx");
      return () => untilDone(bench, `! test -e ${conf}.right || { mv ${conf}.right ${conf} && sync && ${reload}; }`);
    }
    case "expired certificate": {
      const { certificatePem, privateKeyPem } = await expiredCertificate(bench);
      await guest.run(`for f in crt key; do cp -p ${pki}/server.$f ${pki}/server.$f.right; done`);
      await guest.run(`cat >${pki}/server.crt`, { input: certificatePem });
      await guest.run(`cat >${pki}/server.key && sync && systemctl reload nginx`, { input: privateKeyPem });
      const back = `for f in crt key; do mv ${pki}/server.$f.right ${pki}/server.$f; done && sync && ${reload}`;
      return () => untilDone(bench, `! test -e ${pki}/server.crt.right || { ${back}; }`);
    }
    case "disk full":
      await guest.run(`cat /dev/zero >${tree}/.fill 2>/dev/null || true`);
      return () => ifAnswering(bench, "w", `rm -f ${tree}/.fill`);
    case "tree lost":
      await guest.run(
        `systemctl restart '${mount}' && systemctl restart tandem-witness-tree-lab.service nginx.service`,
      );
      return async () => {};
  }
}

const reload = "systemctl reload-or-restart nginx";

/** Also if the machine is away at the moment: the schedule's end brings it back. */
async function untilDone(bench: Bench, command: string): Promise<void> {
  await bench.site.until(`the mended witness (${command})`, 60_000, async () => {
    const guest = answering(bench, "w");
    await guest.run(command, { timeoutMs: 10_000 });
    return true;
  });
}

/** By the site's own authority, whose key is in the stack's state. */
async function expiredCertificate({ site }: Bench) {
  const { stdout } = await site.stack.pulumi(["stack", "export", "--show-secrets"]);
  const { deployment } = JSON.parse(stdout) as { deployment: { resources: Resource[] } };
  const certificate = deployment.resources.find(
    ({ type, inputs }) => type === "tandem:pki:Certificate" && inputs?.dnsNames?.includes("lab.tandem-witness"),
  );
  if (!certificate?.inputs) throw new Error("the stack's state holds no certificate for lab.tandem-witness");
  const { inputs } = certificate;
  const day = 86_400_000;
  const at = (ms: number) => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}Z`;
  return issueLeaf(
    {
      commonName: inputs.commonName,
      dnsNames: inputs.dnsNames,
      ipAddresses: inputs.ipAddresses,
      usages: inputs.usages,
    },
    { notBefore: at(-2 * day), notAfter: at(-day) },
    { certificatePem: inputs.authorityCertificatePem, privateKeyPem: inputs.authorityPrivateKeyPem },
  );
}

interface Resource {
  type: string;
  inputs?: {
    commonName: string;
    dnsNames: string[];
    ipAddresses: string[];
    usages: ("server" | "client")[];
    authorityCertificatePem: string;
    authorityPrivateKeyPem: string;
  };
}
