import type * as pulumi from "@pulumi/pulumi";
import { Arbiter } from "../arbiter/arbiter.ts";
import type { WitnessedSite } from "../config/site-config.ts";
import { Drbd } from "../drbd.ts";
import { ProtectedCluster } from "../etcd/cluster.ts";
import { clientUrl } from "../etcd/config.ts";
import { RegularMembers } from "../etcd/member.ts";
import { TransientMember } from "../etcd/transient.ts";
import { etcdClientPath } from "../kubernetes/paths.ts";
import { Node } from "../node.ts";
import { certificateVersions } from "../pki/file-set.ts";
import { credentialFiles, type PkiFiles, SitePki } from "../pki/site-pki.ts";
import { Witness, witnessAddress } from "../witness.ts";
import type { Datastore, DatastoreMachines, EtcdAdmin } from "./datastore.ts";
import { type DatastoreProfile, profileOf } from "./profile.ts";

/** Three etcd members on two nodes, the third on the replicated volume, and a witness. Its parts are the site's own. */
export class WitnessedEtcd implements Datastore {
  readonly profile: DatastoreProfile;
  readonly ready: readonly pulumi.Resource[];
  readonly admin: EtcdAdmin;
  readonly #config: WitnessedSite;
  readonly #machines: DatastoreMachines;
  readonly #parent: pulumi.Resource;
  readonly #pki: SitePki;

  constructor(config: WitnessedSite, machines: DatastoreMachines, parent: pulumi.Resource) {
    this.#config = config;
    this.#machines = machines;
    this.#parent = parent;
    const { hosts } = machines;
    const { datastore, artifacts, nodes, witness } = config;
    const plan = { site: config.name, nodes, purge: config.destroy.purgeData };

    this.#pki = new SitePki("pki", { siteName: config.name, nodes, witness, pki: config.pki }, { parent });
    const files = both((index) => this.#pki.files(nodes[index].name));
    const witnessReady = this.#witness();
    const bases = both((index) => this.#base(index)).flat();

    // First of all that is hard to undo: no site is founded on a witness that cannot decide.
    const seen = both((index) => this.#witnessSeen(index, files[index], [...bases, ...witnessReady]));

    const { drbd, quotaBackendBytes } = datastore;
    const volume = new Drbd(
      "drbd",
      { hosts, plan: { ...plan, drbd, quotaBackendBytes }, secret: this.#pki.sharedSecret("drbd") },
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
    const waitFor = { hostKeys: nodes.map(({ hostKey }) => hostKey), transientSettings: transient.settings };
    const cluster = new ProtectedCluster("cluster", { hosts, site: config.name, waitFor }, this.#after(arbiter.ready));

    this.profile = profileOf(config);
    this.ready = cluster.ready;
    this.admin = { endpoints: nodes.map(clientUrl), trustPem: this.#pki.etcdTrustPem, ...this.#pki.admin };
  }

  clientFiles(node: string, program: string, owner?: string): PkiFiles {
    return credentialFiles(etcdClientPath, this.#pki.etcdClient(node, program), owner);
  }

  #witness(): pulumi.Resource[] {
    const { name: site, nodes, witness, destroy } = this.#config;
    const { witnessHost: host, looked } = this.#machines;
    const { witnessFiles: pki } = this.#pki;
    if (host === undefined || witness.kind === "existing" || pki === undefined) return [];
    const { port, storage } = witness;
    const names = nodes.map(({ name }) => name);
    const args = { host, site, port, nodes: names, storage, purge: destroy.purgeData, pki };
    return [new Witness("witness", args, this.#after(looked)).ready];
  }

  /** From the node itself: a witness that only the operator reaches helps nobody. */
  #witnessSeen(index: 0 | 1, pki: PkiFiles, dependsOn: readonly pulumi.Resource[]): pulumi.Resource {
    const host = this.#machines.hosts[index];
    const address = witnessAddress(this.#config, index);
    const input = certificateVersions(pki).apply((versions) => ({ ...address, index, versions }));
    return host.run("witness-check", "witness-check", input, { parent: host, dependsOn, timeoutSeconds: 120 });
  }

  #base(index: 0 | 1): readonly pulumi.Resource[] {
    const { name: site, nodes, datastore, destroy } = this.#config;
    const node = nodes[index];
    const args = {
      host: this.#machines.hosts[index],
      site,
      node,
      sibling: nodes[index === 0 ? 1 : 0],
      drbd: datastore.drbd,
      pki: this.#pki.files(node.name),
      purge: destroy.purgeData,
    };
    return new Node(node.name, args, this.#after(this.#machines.looked)).ready;
  }

  #after(resources: readonly pulumi.Resource[]): pulumi.ComponentResourceOptions {
    return { parent: this.#parent, dependsOn: [...resources] };
  }
}

function both<T>(make: (index: 0 | 1) => T): [T, T] {
  return [make(0), make(1)];
}
