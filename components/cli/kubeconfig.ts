import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Failure, type Verb } from "./verb.ts";

/** k3s's files on this node. */
export interface K3sFiles {
  readonly kubeconfig: string;
  /** Certificates of the cluster's authorities, for servers and for clients. */
  readonly serverCa: string;
  readonly clientCa: string;
}

const files: K3sFiles = {
  kubeconfig: "/etc/rancher/k3s/k3s.yaml",
  serverCa: "/var/lib/rancher/k3s/server/tls/server-ca.crt",
  clientCa: "/var/lib/rancher/k3s/server/tls/client-ca.crt",
};

export const kubeconfig: Verb = {
  usage: "kubeconfig",
  summary: "Prints the kubeconfig that k3s has written for this node's root; it opens everything.",
  async run() {
    process.stdout.write(await readKubeconfig(files, new Date()));
  },
};

/** @throws Failure if there is none, or it is not of the cluster that this node's k3s runs, or it is out of date */
export async function readKubeconfig({ kubeconfig: path, serverCa, clientCa }: K3sFiles, now: Date): Promise<string> {
  const text = await read(path);
  const problem = (what: string) =>
    new Failure(`${path} ${what}; run \`systemctl restart k3s\`, which writes it anew, and \`pulumi up\` again`);

  const [trust, operator] = ["certificate-authority-data", "client-certificate-data"].map((key) => pemIn(text, key));
  if (trust === undefined || operator === undefined)
    throw problem("does not hold the trust and the certificate of an operator");
  const [servers, clients] = [await readAuthority(serverCa), await readAuthority(clientCa)];
  if (trust.fingerprint256 !== servers.fingerprint256)
    throw problem(
      `is of another cluster than this node's: it trusts the authority ${trust.fingerprint256}, and ${serverCa} is ${servers.fingerprint256}`,
    );
  if (!operator.verify(clients.publicKey))
    throw problem(`is of another cluster than this node's: ${clientCa} has not signed its certificate`);
  if (Date.parse(operator.validTo) < now.getTime())
    throw problem(`has a certificate that was good until ${operator.validTo}`);
  return text;
}

/** k3s writes one value a line. */
function pemIn(kubeconfig: string, key: string): X509Certificate | undefined {
  const [, value = ""] = new RegExp(`^ +${key}: (\\S+)$`, "m").exec(kubeconfig) ?? [];
  return parseCertificate(Buffer.from(value, "base64").toString());
}

async function readAuthority(path: string): Promise<X509Certificate> {
  const certificate = parseCertificate(await read(path));
  if (certificate === undefined) throw new Failure(`${path} holds no certificate; see \`journalctl -u k3s\``);
  return certificate;
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

async function read(path: string): Promise<string> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new Failure(
      `there is no ${path}; k3s writes it when its API answers for the first time, see \`journalctl -u k3s\``,
    );
  });
}
