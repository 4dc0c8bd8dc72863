import * as pulumi from "@pulumi/pulumi";
import { nth, parseNetwork } from "../config/ipv4.ts";
import type { UpstreamConfig } from "../config/kubernetes-config.ts";
import type { NodeConfig, PkiConfig } from "../config/site-config.ts";
import type { Datastore } from "../datastore/datastore.ts";
import type { Authority } from "../pki/authority.ts";
import { type Credential, client, Issuer } from "../pki/issuer.ts";
import { certificateFile, credentialFiles, type PkiFiles } from "../pki/site-pki.ts";
import { agentUser } from "./agent-access.ts";
import { type EncryptionKeys, encryptionConfig, encryptionKeyName } from "./api-server.ts";
import { endpointNames } from "./endpoint.ts";
import { agentCredential, kubeletCredential, kubernetesUser, pkiFolder } from "./paths.ts";

export interface KubernetesPkiArgs {
  readonly siteName: string;
  readonly nodes: readonly [PkiNode, PkiNode];
  readonly kubernetes: Pick<UpstreamConfig, "endpoint" | "serviceCidr">;
  readonly pki: PkiConfig;
  /** For a client of it. */
  readonly datastore: Pick<Datastore, "clientFiles">;
}

type PkiNode = Pick<NodeConfig, "name" | "frontend">;

/** May ask whether an API server is ready, as anybody may who shows a certificate, and nothing else. */
const probeUser = "tandem-probe";

/** A member of it may do everything in the cluster. */
const masters = "system:masters";

/**
 * The keys and certificates of a site's Kubernetes: authorities of its own, so that no certificate of etcd or of the nodes opens the
 * API. The authorities' keys stay in the stack's state; no controller of the cluster signs certificates.
 */
export class KubernetesPki extends pulumi.ComponentResource {
  /** For operators: may do everything. */
  readonly admin: Credential;
  /** What verifies the API's certificate, as PEM. */
  readonly trustPem: pulumi.Output<string>;
  readonly #args: KubernetesPkiArgs;
  readonly #issuer: Issuer;
  readonly #cluster: Authority;
  readonly #frontProxy: Authority;
  readonly #serviceAccounts: Authority;
  readonly #encryptionKeys: pulumi.Output<EncryptionKeys>;
  /** Name of the key with which etcd's secrets are encrypted, once both nodes have these files. */
  readonly encryptedWith: pulumi.Output<string>;
  /** Of node one, then of node two; all of them are to be pushed as secrets. */
  readonly files: readonly [PkiFiles, PkiFiles];

  constructor(name: string, args: KubernetesPkiArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:Pki", name, {}, opts);
    this.#args = args;
    this.#issuer = new Issuer(args.siteName, args.pki, this);
    this.#cluster = this.#issuer.authority("kubernetes-ca", "API CA");
    this.#frontProxy = this.#issuer.authority("front-proxy-ca", "proxy CA");
    // No authority, but with an authority's life: what it has signed stays good when it is handed over to its successor.
    this.#serviceAccounts = this.#issuer.authority("service-accounts", "tokens");
    const key = this.#issuer.rotatedKey("kubernetes-encryption", 32);
    this.#encryptionKeys = pulumi
      .all([key.base64, key.successorBase64, key.predecessorsBase64])
      .apply(([current, successor, predecessors]) => ({ current, successor, predecessors }));
    this.encryptedWith = pulumi.unsecret(
      this.#encryptionKeys.apply(({ predecessors }) => encryptionKeyName(predecessors.length)),
    );
    this.admin = this.#client("kubernetes-admin", "tandem-admin", masters);
    this.trustPem = this.#cluster.trustPem;
    this.files = [this.#node(args.nodes[0]), this.#node(args.nodes[1])];
    this.registerOutputs();
  }

  /** For a load balancer, which probes as the nodes do. */
  balancerProbe(): Credential {
    return this.#client("load-balancer-probe", probeUser);
  }

  #node(node: PkiNode): PkiFiles {
    const owner = `${kubernetesUser.name}:${kubernetesUser.name}`;
    const of = (name: string, credential: Credential) => credentialFiles(`${pkiFolder}/${name}`, credential, owner);
    const issue = (name: string, user: string, group?: string) =>
      of(name, this.#client(`${node.name}-${name}`, user, group));
    const signing = {
      certificatePem: this.#serviceAccounts.trustPem,
      privateKeyPem: this.#serviceAccounts.privateKeyPem,
    };
    return {
      [`${pkiFolder}/ca.crt`]: certificateFile(this.#cluster.trustPem),
      [`${pkiFolder}/front-proxy-ca.crt`]: certificateFile(this.#frontProxy.trustPem),
      ...of("service-accounts", signing),
      ...of("api-server", this.#apiServer(node)),
      ...this.#args.datastore.clientFiles(node.name, "kube-apiserver", owner),
      ...issue("kubelet-client", "kube-apiserver", masters),
      ...of(
        "front-proxy-client",
        this.#issuer.certificate(`${node.name}-front-proxy-client`, {
          ...client("front-proxy"),
          authority: this.#frontProxy,
        }),
      ),
      ...of("controller-manager", this.#manager(node, "controller-manager", "system:kube-controller-manager")),
      ...of("scheduler", this.#manager(node, "scheduler", "system:kube-scheduler")),
      ...issue("probe", probeUser),
      [`${pkiFolder}/encryption.yaml`]: { content: this.#encryptionKeys.apply(encryptionConfig), mode: "0600", owner },
    };
  }

  /** A client of the API that also serves, on its own node only. */
  #manager({ name: node }: PkiNode, name: string, user: string): Credential {
    return this.#issuer.certificate(`${node}-${name}`, {
      authority: this.#cluster,
      commonName: user,
      dnsNames: ["localhost"],
      ipAddresses: ["127.0.0.1"],
      usages: ["server", "client"],
    });
  }

  /** A kubelet's, secrets again: it is a client of the API, and the server that the API asks for logs and for a pod's shell. */
  kubelet({ name: node, frontend }: PkiNode): PkiFiles {
    const credential = this.#issuer.certificate(`${node}-kubelet`, {
      authority: this.#cluster,
      commonName: `system:node:${node}`,
      organization: "system:nodes",
      dnsNames: [node],
      ipAddresses: [frontend],
      usages: ["server", "client"],
    });
    return credentialFiles(kubeletCredential, credential);
  }

  /** The agent's as a client of the API, secrets again. */
  agent({ name: node }: Pick<PkiNode, "name">): PkiFiles {
    return credentialFiles(agentCredential, this.#client(`${node}-api-agent`, agentUser));
  }

  #client(name: string, user: string, group?: string): Credential {
    const organization = group === undefined ? {} : { organization: group };
    return this.#issuer.certificate(name, { ...client(user), ...organization, authority: this.#cluster });
  }

  #apiServer({ name, frontend }: PkiNode): Credential {
    const { kubernetes, nodes } = this.#args;
    const clients = endpointNames(kubernetes.endpoint);
    const service = [
      "kubernetes",
      "kubernetes.default",
      "kubernetes.default.svc",
      "kubernetes.default.svc.cluster.local",
    ];
    return this.#issuer.certificate(`${name}-api-server`, {
      authority: this.#cluster,
      commonName: "kube-apiserver",
      dnsNames: [...service, ...nodes.map((node) => node.name), "localhost", ...clients.dnsNames],
      ipAddresses: ["127.0.0.1", frontend, ...clients.ipAddresses, nth(parseNetwork(kubernetes.serviceCidr), 1)],
      usages: ["server"],
    });
  }
}
