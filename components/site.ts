import * as pulumi from "@pulumi/pulumi";
import { Arbiter } from "./arbiter/arbiter.ts";
import { bundle } from "./bundle.ts";
import { k3sTokenFingerprint } from "./cli/preflight/k3s-token.ts";
import type { SiteConfig } from "./config/site-config.ts";
import { describeFailover, timesOf } from "./config/timing.ts";
import { Drbd } from "./drbd.ts";
import { ProtectedCluster } from "./etcd/cluster.ts";
import { clientUrl } from "./etcd/config.ts";
import { RegularMembers } from "./etcd/member.ts";
import { TransientMember } from "./etcd/transient.ts";
import { Host } from "./host.ts";
import { Cluster, type ClusterArgs } from "./kubernetes/cluster.ts";
import { k3sToken } from "./kubernetes/k3s-token.ts";
import { Node } from "./node.ts";
import { certificateVersions } from "./pki/file-set.ts";
import { type PkiFiles, SitePki } from "./pki/site-pki.ts";
import { nodeExpectations, witnessExpectations } from "./preflight.ts";
import { Witness, witnessAddress } from "./witness.ts";

/** A whole site, in the order in which it comes to be. */
export class Site extends pulumi.ComponentResource {
  /** Time without writes per kind of failure, as computed from the configuration. */
  readonly predictedFailover: ReturnType<typeof describeFailover>;
  /** The command that tells how the site is. */
  readonly status: string;
  /** Client URLs of E1 and E2, separated by a comma. */
  readonly etcdEndpoints: string;
  /**
   * What a client verifies them with, and what it shows itself, as PEM. Good for everything: etcd knows no users. The certificates are
   * secrets as well, so that `up` does not print them among its outputs.
   */
  readonly etcdCaCertificate: pulumi.Output<string>;
  readonly etcdClientCertificate: pulumi.Output<string>;
  readonly etcdClientKey: pulumi.Output<string>;
  /** For kubectl, with the right to do everything; undefined without Kubernetes. */
  readonly kubeconfig: pulumi.Output<string> | undefined;
  /** k3s's; a backup of the datastore is worth nothing without it. Undefined without k3s. */
  readonly k3sToken: pulumi.Output<string> | undefined;
  readonly #config: SiteConfig;

  constructor(name: string, config: SiteConfig) {
    super("tandem:site:Site", name);
    this.#config = config;
    const { datastore, artifacts } = config;
    const plan = { site: config.name, nodes: config.nodes, purge: config.destroy.purgeData };

    const program = bundle("cli/main.ts");
    const hosts = both((index) => this.#nodeHost(index, program));
    const witnessHost = this.#witnessHost(program);
    const wanted = this.#wantedCluster();
    this.k3sToken = wanted?.distribution === "k3s" ? wanted.token : undefined;
    const machines = this.#preflight(hosts, witnessHost);

    const pki = new SitePki(
      "pki",
      { siteName: config.name, nodes: config.nodes, witness: config.witness, pki: config.pki },
      { parent: this },
    );
    const files = both((index) => pki.files(config.nodes[index].name));
    const witness = this.#witness(witnessHost, pki, machines);
    const bases = both((index) => this.#base(index, hosts[index], pki, machines)).flat();

    // First of all that is hard to undo: no site is founded on a witness that cannot decide.
    const seen = both((index) => this.#witnessSeen(index, hosts[index], files[index], [...bases, ...witness]));

    const { drbd, quotaBackendBytes } = datastore;
    const volume = new Drbd(
      "drbd",
      { hosts, plan: { ...plan, drbd, quotaBackendBytes }, secret: pki.sharedSecret("drbd") },
      this.#after([...bases, ...seen]),
    );
    const members = new RegularMembers(
      "etcd",
      { hosts, pki: files, plan: { ...plan, datastore, artifacts } },
      this.#after(volume.ready),
    );
    const transient = new TransientMember(
      "etcd-transient",
      { hosts, pki: files, plan: { ...plan, datastore } },
      this.#after(members.ready),
    );
    const arbiter = new Arbiter("arbiter", { hosts, pki: files, config }, this.#after(transient.ready));
    const hostKeys = config.nodes.map(({ hostKey }) => hostKey);
    const waitFor = { hostKeys, transientSettings: transient.settings };
    const cluster = new ProtectedCluster("cluster", { hosts, site: config.name, waitFor }, this.#after(arbiter.ready));
    const kubernetes = this.#kubernetes(wanted, hosts, pki, cluster.ready);
    this.kubeconfig = kubernetes?.kubeconfig;

    this.predictedFailover = describeFailover(timesOf(config));
    this.status = `ssh root@${config.nodes[0].frontend} tandem status`;
    this.etcdEndpoints = config.nodes.map(clientUrl).join();
    this.etcdCaCertificate = pulumi.secret(pki.etcdTrustPem);
    this.etcdClientCertificate = pulumi.secret(pki.admin.certificatePem);
    this.etcdClientKey = pki.admin.privateKeyPem;
    this.registerOutputs({ predictedFailover: this.predictedFailover, status: this.status });
  }

  #nodeHost(index: 0 | 1, program: string): Host {
    const { ssh, nodes, artifacts } = this.#config;
    const { name, frontend, hostKey, port = ssh.port } = nodes[index];
    return new Host(name, { address: frontend, port, hostKey, ssh, program, artifacts }, { parent: this });
  }

  /** None for a witness that somebody else runs. */
  #witnessHost(program: string): Host | undefined {
    const { ssh, witness, artifacts } = this.#config;
    if (witness.kind === "existing") return undefined;
    const { host: address, hostKey } = witness;
    return new Host("witness", { address, port: ssh.port, hostKey, ssh, program, artifacts }, { parent: this });
  }

  /** Every machine is looked at before anything is installed on any; all at once, so that one that is refused hides no other. */
  #preflight(hosts: readonly [Host, Host], witnessHost: Host | undefined): pulumi.Resource[] {
    const config = this.#config;
    const dependsOn = [...hosts, ...(witnessHost === undefined ? [] : [witnessHost])].map(({ ready }) => ready);
    const look = (host: Host, wanted: pulumi.Input<object>) =>
      host.run("preflight", "preflight", wanted, { parent: host, dependsOn });
    const fingerprint = this.k3sToken?.apply(k3sTokenFingerprint);
    const ofNode = (index: 0 | 1) => ({ ...nodeExpectations(config, index), k3sTokenFingerprint: fingerprint });
    const nodes = both((index) => look(hosts[index], ofNode(index)));
    if (witnessHost === undefined || config.witness.kind === "existing") return nodes;
    return [...nodes, look(witnessHost, witnessExpectations(config.name, config.witness))];
  }

  #witness(host: Host | undefined, pki: SitePki, machines: readonly pulumi.Resource[]): pulumi.Resource[] {
    const { name: site, nodes, witness, destroy } = this.#config;
    if (host === undefined || witness.kind === "existing" || pki.witnessFiles === undefined) return [];
    const { port, storage } = witness;
    const names = nodes.map(({ name }) => name);
    const args = { host, site, port, nodes: names, storage, purge: destroy.purgeData, pki: pki.witnessFiles };
    return [new Witness("witness", args, this.#after(machines)).ready];
  }

  /** From the node itself: a witness that only the operator reaches helps nobody. */
  #witnessSeen(index: 0 | 1, host: Host, pki: PkiFiles, dependsOn: readonly pulumi.Resource[]): pulumi.Resource {
    const address = witnessAddress(this.#config, index);
    const input = certificateVersions(pki).apply((versions) => ({ ...address, index, versions }));
    return host.run("witness-check", "witness-check", input, { parent: host, dependsOn, timeoutSeconds: 120 });
  }

  #base(index: 0 | 1, host: Host, pki: SitePki, machines: readonly pulumi.Resource[]): readonly pulumi.Resource[] {
    const { name: site, nodes, datastore, destroy } = this.#config;
    const node = nodes[index];
    const sibling = nodes[index === 0 ? 1 : 0];
    const args = {
      host,
      site,
      node,
      sibling,
      drbd: datastore.drbd,
      pki: pki.files(node.name),
      purge: destroy.purgeData,
    };
    return new Node(node.name, args, this.#after(machines)).ready;
  }

  /** With its token, which preflight has to know. */
  #wantedCluster(): ClusterArgs["kubernetes"] | undefined {
    const { name: siteName, kubernetes, pki } = this.#config;
    if (kubernetes.distribution === "none") return undefined;
    if (kubernetes.distribution === "upstream") return kubernetes;
    return { ...kubernetes, token: k3sToken({ siteName, kubernetes, pki }, this) };
  }

  #kubernetes(
    kubernetes: ClusterArgs["kubernetes"] | undefined,
    hosts: readonly [Host, Host],
    sitePki: SitePki,
    dependsOn: readonly pulumi.Resource[],
  ): Cluster | undefined {
    if (kubernetes === undefined) return undefined;
    return new Cluster("kubernetes", { hosts, config: this.#config, kubernetes, sitePki }, this.#after(dependsOn));
  }

  #after(resources: readonly pulumi.Resource[]): pulumi.ComponentResourceOptions {
    return { parent: this, dependsOn: [...resources] };
  }
}

function both<T>(make: (index: 0 | 1) => T): [T, T] {
  return [make(0), make(1)];
}
