import type * as pulumi from "@pulumi/pulumi";
import type { SiteConfig } from "../config/site-config.ts";
import type { Host } from "../host.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { ExternalEtcd } from "./external.ts";
import type { DatastoreProfile } from "./profile.ts";
import { WitnessedEtcd } from "./witnessed.ts";

/** What keeps a site's data, for those who use it. */
export interface Datastore {
  readonly profile: DatastoreProfile;
  /** It serves, as far as the site's nodes have a part in that; nothing that needs it comes before. */
  readonly ready: readonly pulumi.Resource[];
  /** For operators. */
  readonly admin: EtcdAdmin;
  /**
   * What a program on a node is given: a certificate and its key as {@link clientFile}, and what verifies the servers unless it is there
   * already; to be pushed as secrets.
   * @param owner of the key, which nobody else reads
   */
  clientFiles(node: string, program: string, owner?: string): PkiFiles;
}

/** A client that may do everything. */
export interface EtcdAdmin {
  /** Client URLs. */
  readonly endpoints: readonly string[];
  /** PEM texts. */
  readonly trustPem: pulumi.Output<string>;
  readonly certificatePem: pulumi.Output<string>;
  readonly privateKeyPem: pulumi.Output<string>;
}

export interface DatastoreMachines {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  /** A witness that this stack installs. */
  readonly witnessHost: Host | undefined;
  /** Every machine was looked at. */
  readonly looked: readonly pulumi.Resource[];
}

/** The one that the configuration asks for. */
export function makeDatastore(config: SiteConfig, machines: DatastoreMachines, parent: pulumi.Resource): Datastore {
  return config.witness === undefined
    ? new ExternalEtcd(config, machines, parent)
    : new WitnessedEtcd(config, machines, parent);
}
