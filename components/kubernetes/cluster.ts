import * as pulumi from "@pulumi/pulumi";
import type { UserSpec } from "../cli/apply/bundle-type.ts";
import type { RewriteOrder } from "../cli/rewrite-secrets.ts";
import type { K3sConfig, LoadBalancerConfig, UpstreamConfig, VirtualAddress } from "../config/kubernetes-config.ts";
import { kubernetesTimes } from "../config/kubernetes-timing.ts";
import type { SiteConfig } from "../config/site-config.ts";
import type { Datastore } from "../datastore/datastore.ts";
import type { Host } from "../host.ts";
import { Keepalived } from "../keepalived.ts";
import { LoadBalancer } from "../load-balancer.ts";
import type { Credential } from "../pki/issuer.ts";
import { ClusterIdentity } from "./cluster-identity.ts";
import { K3s } from "./k3s.ts";
import { K3sPki } from "./k3s-pki.ts";
import { adminKubeconfig, k3sKubeconfig, trustOf } from "./kubeconfig.ts";
import { Kubelet } from "./kubelet.ts";
import { MutationGuard } from "./mutation-guard.ts";
import { type GuardPlan, guardPolicies } from "./mutation-policies.ts";
import { apiServerPort, kubernetesUser } from "./paths.ts";
import { KubernetesPki } from "./pki.ts";
import { apiProvider } from "./provider.ts";
import { Upstream } from "./upstream.ts";

export interface ClusterArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  /** Undefined for an address that goes from node to node. */
  readonly balancerHost: Host | undefined;
  readonly config: SiteConfig;
  readonly kubernetes: UpstreamConfig | K3sWithToken;
  readonly datastore: Datastore;
}

export type K3sWithToken = K3sConfig & { readonly token: pulumi.Output<string> };

/** Kubernetes on both nodes, of either distribution, the address of its API, and what the site has in it. */
export class Cluster extends pulumi.ComponentResource {
  /** For kubectl, with the right to do everything; a secret. */
  readonly kubeconfig: pulumi.Output<string>;
  readonly #args: ClusterArgs;

  constructor(name: string, args: ClusterArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:Cluster", name, {}, opts);
    this.#args = args;
    const { kubernetes } = args;
    const { kubeconfig, address } =
      kubernetes.distribution === "k3s" ? this.#k3s(kubernetes) : this.#upstream(kubernetes);
    this.kubeconfig = kubeconfig;
    const guard = kubernetes.mutationGuard && { site: args.config.name, guard: kubernetes.mutationGuard };
    const { known } = this.#identity(guard === undefined ? [] : guardPolicies(guard), address);
    if (guard !== undefined) this.#guard(guard, known);
    this.registerOutputs();
  }

  #upstream(kubernetes: UpstreamConfig): Access {
    const { hosts } = this.#args;
    const { plan, pkiArgs } = this.#common();
    const pki = new KubernetesPki("kubernetes-pki", { ...pkiArgs, kubernetes }, { parent: this });
    const masters = new Upstream(
      "upstream",
      { hosts, pki: pki.files, plan: { ...plan, kubernetes } },
      { parent: this },
    );
    this.#rewriteSecrets(pki, masters);
    const { endpoint } = kubernetes;
    const address =
      endpoint.kind === "vip"
        ? this.#virtualAddress(endpoint, kubernetesUser, masters.ready)
        : this.#loadBalancer(endpoint, pki.trustPem, pki.balancerProbe(), masters.ready);
    this.#kubelets(kubernetes, pki, address);
    return { kubeconfig: adminKubeconfig(plan.site, endpoint, pki), address };
  }

  #kubelets(kubernetes: UpstreamConfig, issuer: KubernetesPki, { ready }: Access["address"]): void {
    const { workloads } = kubernetes;
    if (workloads === undefined) return;
    const { hosts } = this.#args;
    const { plan } = this.#common();
    const filesOf = (node: (typeof plan.nodes)[number]) => ({
      ...issuer.kubelet(node),
      ...(kubernetes.outOfServiceTaint && issuer.agent(node)),
    });
    const pki = [filesOf(plan.nodes[0]), filesOf(plan.nodes[1])] as const;
    const args = { hosts, pki, plan: { ...plan, kubernetes, workloads } };
    new Kubelet("kubelet", args, { parent: this, dependsOn: [...ready] });
  }

  /** By node one, whose API server is the last to know the key that stands first now. */
  #rewriteSecrets({ trustPem: trust, admin, encryptedWith }: KubernetesPki, { ready }: Upstream): void {
    const server = `127.0.0.1:${apiServerPort}`;
    const credential = { trust, certificate: admin.certificatePem, key: admin.privateKeyPem };
    const order = pulumi.output({ server, ...credential, encryptedWith }) satisfies pulumi.Output<RewriteOrder>;
    const opts = { parent: this, dependsOn: ready, secret: true };
    this.#args.hosts[0].run("rewrite-secrets", "rewrite-secrets", order, opts);
  }

  #k3s(kubernetes: K3sWithToken): Access {
    const { hosts, datastore } = this.#args;
    const { plan } = this.#common();
    const { token } = kubernetes;
    const pki = new K3sPki("k3s-pki", { nodes: plan.nodes, token, datastore }, { parent: this });
    const servers = new K3s("k3s", { hosts, pki: pki.files, plan: { ...plan, kubernetes } }, { parent: this });
    // Apart from installing, so that it can be read again without touching what runs.
    const found = hosts[0].run(
      "kubeconfig",
      "kubeconfig",
      { k3s: kubernetes.version },
      { parent: this, dependsOn: servers.ready, secretOutput: true },
    );
    const { endpoint } = kubernetes;
    const kubeconfig = found.stdout.apply((text) => k3sKubeconfig(plan.site, endpoint, text));
    // Its authority's key is on the nodes alone, so nobody else has a certificate that its API servers know.
    const address =
      endpoint.kind === "vip"
        ? this.#virtualAddress(endpoint, undefined, servers.ready)
        : this.#loadBalancer(endpoint, pulumi.unsecret(found.stdout.apply(trustOf)), undefined, servers.ready);
    return { kubeconfig: pulumi.secret(kubeconfig), address };
  }

  #common() {
    const { config, kubernetes, datastore } = this.#args;
    const { profile } = datastore;
    const { name: site, nodes, artifacts, pki, destroy } = config;
    const times = kubernetesTimes(kubernetes, profile.gaps);
    const plan = { site, nodes, times, datastore: profile, artifacts, purge: destroy.purgeData };
    return { plan, pkiArgs: { siteName: site, nodes, pki, datastore } };
  }

  #virtualAddress(vip: VirtualAddress, probeUser: UserSpec | undefined, dependsOn: readonly pulumi.Resource[]) {
    const { site, nodes, times, datastore } = this.#common().plan;
    const plan = { site, nodes, vip, times, aside: datastore.aside, probeUser };
    const { hosts } = this.#args;
    return new Keepalived("api-address", { hosts, plan }, { parent: this, dependsOn: [...dependsOn] });
  }

  #loadBalancer(
    { port }: LoadBalancerConfig,
    trustPem: pulumi.Output<string>,
    credential: Credential | undefined,
    dependsOn: readonly pulumi.Resource[],
  ) {
    const host = this.#args.balancerHost;
    if (host === undefined) throw new Error("a load balancer is asked for, and there is no machine for it");
    const { site, nodes, times, datastore } = this.#common().plan;
    const probe = credential === undefined ? "nameless" : "certificate";
    const args = {
      host,
      plan: { site, nodes, port, times, probe, isToldAside: datastore.aside !== undefined },
      trustPem,
      credential,
    } as const;
    return new LoadBalancer("api-address", args, { parent: this, dependsOn: [...dependsOn] });
  }

  #identity(objects: readonly object[], { ready }: Access["address"]): ClusterIdentity {
    const { hosts, config, kubernetes } = this.#args;
    const args = {
      host: hosts[0],
      nodes: config.nodes,
      endpoint: kubernetes.endpoint,
      kubeconfig: this.kubeconfig,
      objects,
    };
    return new ClusterIdentity("cluster-identity", args, { parent: this, dependsOn: [...ready] });
  }

  #guard(plan: GuardPlan, known: pulumi.Resource): void {
    const provider = apiProvider(plan.site, this.kubeconfig, { parent: this });
    new MutationGuard("mutation-guard", { plan, provider, cluster: this }, { parent: this, dependsOn: [known] });
  }
}

interface Access {
  readonly kubeconfig: pulumi.Output<string>;
  readonly address: Keepalived | LoadBalancer;
}
