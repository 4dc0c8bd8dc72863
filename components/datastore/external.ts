import * as pulumi from "@pulumi/pulumi";
import type { FileSet } from "../cli/apply/bundle-type.ts";
import type { EtcdCheck } from "../cli/etcd-check/servers.ts";
import type { ExternalSite } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import { etcdClientPath } from "../kubernetes/paths.ts";
import { certificateFile, credentialFiles, type PkiFiles } from "../pki/site-pki.ts";
import type { Datastore, DatastoreMachines, EtcdAdmin } from "./datastore.ts";
import { type DatastoreProfile, profileOf } from "./profile.ts";

/** An etcd cluster that somebody else runs. Nothing of it is on the nodes, and destroying the site leaves it as it is. */
export class ExternalEtcd implements Datastore {
  readonly profile: DatastoreProfile;
  readonly ready: readonly pulumi.Resource[];
  readonly admin: EtcdAdmin;

  constructor(config: ExternalSite, { hosts, looked }: DatastoreMachines, parent: pulumi.Resource) {
    const { servers, caCertificate, clientCertificate, clientKey } = config.datastore;
    this.profile = profileOf(config);
    this.admin = {
      endpoints: servers,
      trustPem: pulumi.output(caCertificate),
      certificatePem: pulumi.output(clientCertificate),
      privateKeyPem: pulumi.secret(clientKey),
    };
    const reached = hosts.map((host) => this.#reached(host));
    this.ready = hosts.map((host) => host.push("node", masterFiles(), { parent, dependsOn: [...looked, ...reached] }));
  }

  clientFiles(_node: string, _program: string, owner?: string): PkiFiles {
    return {
      [this.profile.trust]: certificateFile(this.admin.trustPem),
      ...credentialFiles(etcdClientPath, this.admin, owner),
    };
  }

  /** From the node itself, together with the looks at the machines. The client's key is among what it sends. */
  #reached(host: Host): pulumi.Resource {
    const { endpoints: servers, trustPem: ca, certificatePem: certificate, privateKeyPem: key } = this.admin;
    const input: pulumi.Output<EtcdCheck> = pulumi.output({ node: host.machine, servers, ca, certificate, key });
    return host.run("etcd-check", "etcd-check", input, { parent: host, secret: true, timeoutSeconds: 60 });
  }
}

/** What everything else on a node stands on; pure. */
export function masterFiles(): FileSet {
  return {
    // It asks the API server for keepalived.
    packages: ["curl"],
    directories: { "/etc/tandem": { mode: "0755" }, "/etc/tandem/pki": { mode: "0755" } },
  };
}
