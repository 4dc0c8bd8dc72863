import * as pulumi from "@pulumi/pulumi";
import { bundle } from "./bundle.ts";
import { k3sTokenFingerprint } from "./cli/preflight/k3s-token.ts";
import type { SiteConfig } from "./config/site-config.ts";
import { type Datastore, makeDatastore } from "./datastore/datastore.ts";
import { Host } from "./host.ts";
import { Cluster, type ClusterArgs } from "./kubernetes/cluster.ts";
import { endpointPort } from "./kubernetes/endpoint.ts";
import { k3sToken } from "./kubernetes/k3s-token.ts";
import { helperExpectations, nodeExpectations } from "./preflight.ts";

/** A whole site, in the order in which it comes to be. */
export class Site extends pulumi.ComponentResource {
  /** Time without writes per kind of failure, as computed from the configuration. */
  readonly predictedFailover: Readonly<Record<string, string>>;
  /** The command that tells how the site is. */
  readonly status: string;
  /** Client URLs of E1 and E2, or of the servers of an external etcd, separated by commas. */
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

    const program = bundle("cli/main.ts");
    const hosts = both((index) => this.#nodeHost(index, program));
    const witnessHost = this.#witnessHost(program);
    const wanted = this.#wantedCluster();
    this.k3sToken = wanted?.distribution === "k3s" ? wanted.token : undefined;
    const balancerHost = this.#balancerHost(program, witnessHost);
    const looked = this.#preflight(hosts, witnessHost, balancerHost);

    const datastore = makeDatastore(config, { hosts, witnessHost, looked }, this);
    const kubernetes = this.#kubernetes(wanted, hosts, balancerHost, datastore);

    this.predictedFailover = datastore.profile.predictedFailover;
    this.status = `ssh root@${config.nodes[0].frontend} ${datastore.profile.status}`;
    this.etcdEndpoints = datastore.admin.endpoints.join();
    this.etcdCaCertificate = pulumi.secret(datastore.admin.trustPem);
    this.etcdClientCertificate = pulumi.secret(datastore.admin.certificatePem);
    this.etcdClientKey = datastore.admin.privateKeyPem;
    this.kubeconfig = kubernetes?.kubeconfig;
    this.registerOutputs({ predictedFailover: this.predictedFailover, status: this.status });
  }

  #nodeHost(index: 0 | 1, program: string): Host {
    const { ssh, nodes, artifacts } = this.#config;
    const { name, frontend, hostKey, port = ssh.port } = nodes[index];
    return new Host(name, { address: frontend, port, hostKey, ssh, program, artifacts }, { parent: this });
  }

  /** None for a witness that somebody else runs, or where there is none. */
  #witnessHost(program: string): Host | undefined {
    const { ssh, witness, artifacts } = this.#config;
    if (witness?.kind !== "managed") return undefined;
    const { host: address, hostKey } = witness;
    return new Host("witness", { address, port: ssh.port, hostKey, ssh, program, artifacts }, { parent: this });
  }

  /** The witness's own, where the load balancer is beside it; none without a load balancer. */
  #balancerHost(program: string, witnessHost: Host | undefined): Host | undefined {
    const { ssh, kubernetes, artifacts } = this.#config;
    if (kubernetes.distribution === "none" || kubernetes.endpoint.kind === "vip") return undefined;
    const { address, hostKey } = kubernetes.endpoint;
    if (witnessHost?.address === address) return witnessHost;
    return new Host("load-balancer", { address, port: ssh.port, hostKey, ssh, program, artifacts }, { parent: this });
  }

  /** Every machine is looked at before anything is installed on any; all at once, so that one that is refused hides no other. */
  #preflight(
    hosts: readonly [Host, Host],
    witnessHost: Host | undefined,
    balancerHost: Host | undefined,
  ): pulumi.Resource[] {
    const config = this.#config;
    const helpers = [...new Set([witnessHost, balancerHost])].filter((host) => host !== undefined);
    const dependsOn = [...hosts, ...helpers].map(({ ready }) => ready);
    const look = (host: Host, wanted: pulumi.Input<object>) =>
      host.run("preflight", "preflight", wanted, { parent: host, dependsOn });
    const fingerprint = this.k3sToken?.apply(k3sTokenFingerprint);
    const ofNode = (index: 0 | 1) => ({ ...nodeExpectations(config, index), k3sTokenFingerprint: fingerprint });
    const { name: site, witness, kubernetes } = config;
    const ofHelper = (host: Host) => {
      const web = host === witnessHost && witness?.kind === "managed" ? [witness.port] : [];
      const api =
        host === balancerHost && kubernetes.distribution !== "none" ? [endpointPort(kubernetes.endpoint)] : [];
      return helperExpectations(site, host === witnessHost ? "the witness" : "the load balancer", [...web, ...api]);
    };
    return [
      ...both((index) => look(hosts[index], ofNode(index))),
      ...helpers.map((host) => look(host, ofHelper(host))),
    ];
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
    balancerHost: Host | undefined,
    datastore: Datastore,
  ): Cluster | undefined {
    if (kubernetes === undefined) return undefined;
    const args = { hosts, balancerHost, config: this.#config, kubernetes, datastore };
    return new Cluster("kubernetes", args, { parent: this, dependsOn: [...datastore.ready] });
  }
}

function both<T>(make: (index: 0 | 1) => T): [T, T] {
  return [make(0), make(1)];
}
