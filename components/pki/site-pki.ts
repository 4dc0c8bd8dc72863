import { createHmac } from "node:crypto";
import { isIP } from "node:net";
import * as pulumi from "@pulumi/pulumi";
import type { NodeConfig, PkiConfig, WitnessConfig } from "../config/site-config.ts";
import type { Authority } from "./authority.ts";
import type { Certificate } from "./certificate.ts";
import { type Credential, client, Issuer, type LeafArgs } from "./issuer.ts";

export interface SitePkiArgs {
  readonly siteName: string;
  readonly nodes: readonly [PkiNode, PkiNode];
  readonly witness: WitnessConfig;
  readonly pki: PkiConfig;
}

export type PkiNode = Pick<NodeConfig, "name" | "frontend" | "backend">;

export interface PkiFile {
  readonly content: pulumi.Output<string>;
  /** Four octal digits. */
  readonly mode: "0644" | "0600";
  /** `user:group`; root:root where absent. */
  readonly owner?: string;
}

/** By absolute path on the machine. */
export type PkiFiles = Readonly<Record<string, PkiFile>>;

/** The certificates of one node, by the name of its files. */
interface NodeCredentials {
  /** etcd's client port; a client as well, because etcd's own gateway dials itself with it. */
  readonly "etcd-server": Credential;
  /** Between the members; either end may be the one that dials. */
  readonly "etcd-peer": Credential;
  /** The node's programs towards etcd. */
  readonly "etcd-client": Credential;
  /** The handshake between the two agents. */
  readonly agent: Credential;
  readonly "witness-client": Credential;
}

const nodeFolder = "/etc/tandem/pki";

/** Under which etcd runs on the nodes. */
const etcdOwner = "tandem-etcd:tandem-etcd";

/**
 * Every key and certificate of one site. There are two authorities, so that what a node shows to the witness or to the other agent opens no
 * etcd, and no etcd credential passes for a node.
 */
export class SitePki extends pulumi.ComponentResource {
  /** For operators and tests: an etcd client that is no node. */
  readonly admin: { readonly certificatePem: pulumi.Output<string>; readonly privateKeyPem: pulumi.Output<string> };
  /** What verifies etcd's certificates, as PEM. */
  readonly etcdTrustPem: pulumi.Output<string>;
  readonly #args: SitePkiArgs;
  readonly #issuer: Issuer;
  readonly #etcd: Authority;
  readonly #site: Authority;
  readonly #credentials: ReadonlyMap<string, NodeCredentials>;
  readonly #witnessServer: Certificate | undefined;

  constructor(name: string, args: SitePkiArgs, opts: pulumi.ComponentResourceOptions = {}) {
    super("tandem:pki:SitePki", name, {}, opts);
    this.#args = args;
    this.#issuer = new Issuer(args.siteName, args.pki, this);
    this.#etcd = this.#issuer.authority("etcd-ca", "etcd CA");
    this.#site = this.#issuer.authority("site-ca", "site CA");
    this.#credentials = new Map(args.nodes.map((node, index) => [node.name, this.#node(node, index)]));
    this.#witnessServer = args.witness.kind === "managed" ? this.#server(args.witness.host) : undefined;
    const admin = this.#issuer.certificate("etcd-admin", { ...client("tandem-admin"), authority: this.#etcd });
    this.admin = { certificatePem: admin.certificatePem, privateKeyPem: pulumi.secret(admin.privateKeyPem) };
    this.etcdTrustPem = this.#etcd.trustPem;
    this.registerOutputs({ admin: this.admin, etcdTrustPem: this.etcdTrustPem });
  }

  /** An etcd client of its own for a program on a node. */
  etcdClient(node: string, program: string): Credential {
    return this.#issuer.certificate(`${node}-etcd-${program}`, { ...client(program), authority: this.#etcd });
  }

  /**
   * The files of a node. A certificate and its key change together, so they belong into one bundle, and that is secret.
   *
   * @throws Error if the site has no node of this name
   */
  files(node: string): PkiFiles {
    const credentials = this.#credentials.get(node);
    if (!credentials)
      throw new Error(
        `no node is named ${JSON.stringify(node)}; the nodes are ${[...this.#credentials.keys()].join(", ")}`,
      );
    return {
      [`${nodeFolder}/etcd-ca.crt`]: certificateFile(this.#etcd.trustPem),
      [`${nodeFolder}/site-ca.crt`]: certificateFile(this.#site.trustPem),
      [`${nodeFolder}/witness-ca.crt`]: certificateFile(this.#witnessTrustPem),
      ...credentialFiles(`${nodeFolder}/etcd-server`, credentials["etcd-server"], etcdOwner),
      ...credentialFiles(`${nodeFolder}/etcd-peer`, credentials["etcd-peer"], etcdOwner),
      ...credentialFiles(`${nodeFolder}/etcd-client`, credentials["etcd-client"]),
      ...credentialFiles(`${nodeFolder}/agent`, credentials.agent),
      ...credentialFiles(`${nodeFolder}/witness-client`, credentials["witness-client"]),
    };
  }

  /**
   * A secret for a program that wants both nodes to know one; it stays as long as the site's authority. 48 hexadecimal digits: DRBD's
   * kernel module has room for 64 and overruns its own memory when all are used, because no zero byte follows then.
   */
  sharedSecret(purpose: string): pulumi.Output<string> {
    return pulumi.secret(
      this.#site.privateKeyPem.apply((key) => createHmac("sha256", key).update(purpose).digest("hex").slice(0, 48)),
    );
  }

  /** The files of this site on a witness that the stack manages; undefined for another's witness. */
  get witnessFiles(): PkiFiles | undefined {
    if (!this.#witnessServer) return undefined;
    const folder = `/etc/tandem-witness/${this.#args.siteName}`;
    return {
      // It verifies the nodes' client certificates.
      [`${folder}/ca.crt`]: certificateFile(this.#site.trustPem),
      ...credentialFiles(`${folder}/server`, this.#witnessServer),
    };
  }

  get #witnessTrustPem(): pulumi.Output<string> {
    const { witness } = this.#args;
    return witness.kind === "managed" ? this.#site.trustPem : pulumi.output(witness.caCertificate);
  }

  #node(node: PkiNode, index: number): NodeCredentials {
    const { nodes, witness } = this.#args;
    const [etcd, site] = [this.#etcd, this.#site];
    const issue = (name: string, args: LeafArgs) => this.#issuer.certificate(`${node.name}-${name}`, args);
    return {
      "etcd-server": issue("etcd-server", {
        authority: etcd,
        commonName: node.name,
        dnsNames: [node.name, "localhost"],
        ipAddresses: ["127.0.0.1", node.frontend, node.backend],
        usages: ["server", "client"],
      }),
      "etcd-peer": issue("etcd-peer", {
        authority: etcd,
        commonName: node.name,
        // The member on the replicated volume has a peer URL on either node.
        dnsNames: nodes.map(({ name }) => name),
        ipAddresses: nodes.map(({ backend }) => backend),
        usages: ["server", "client"],
      }),
      "etcd-client": issue("etcd-client", { ...client("tandem-agent"), authority: etcd }),
      agent: issue("agent", {
        authority: site,
        commonName: node.name,
        dnsNames: [node.name],
        ipAddresses: [node.frontend, node.backend],
        usages: ["server", "client"],
      }),
      "witness-client":
        witness.kind === "managed"
          ? issue("witness-client", { ...client(node.name), authority: site })
          : foreignCredential(witness.credentials[index === 0 ? "nodeOne" : "nodeTwo"]),
    };
  }

  #server(host: string): Certificate {
    const { siteName } = this.#args;
    const isAddress = isIP(host) !== 0;
    return this.#issuer.certificate("witness-server", {
      authority: this.#site,
      commonName: `${siteName}.tandem-witness`,
      dnsNames: [`${siteName}.tandem-witness`, ...(isAddress ? [] : [host])],
      ipAddresses: isAddress ? [host] : [],
      usages: ["server"],
    });
  }
}

function foreignCredential(credential: { clientCertificate: string; clientKey: pulumi.Output<string> }): Credential {
  return { certificatePem: pulumi.output(credential.clientCertificate), privateKeyPem: credential.clientKey };
}

/** @param owner of the key, which nobody else reads */
export function credentialFiles(path: string, credential: Credential, owner?: string): PkiFiles {
  const key: PkiFile = { content: pulumi.secret(credential.privateKeyPem), mode: "0600" };
  return {
    [`${path}.crt`]: certificateFile(credential.certificatePem),
    [`${path}.key`]: owner === undefined ? key : { ...key, owner },
  };
}

export function certificateFile(content: pulumi.Output<string>): PkiFile {
  return { content, mode: "0644" };
}
