/**
 * The shape of `tandem:site`, as its author writes it; each section becomes its part of {@link SiteConfig}.
 * Relations between values are in rules.ts. The descriptions are what an editor shows, through the JSON Schema.
 */
import { z } from "zod";
import { datastore, etcdWitness } from "./datastore-schema.ts";
import { isMap, type Values } from "./environments.ts";
import {
  address,
  blockDevice,
  boolean,
  certificate,
  days,
  duration,
  folder,
  host,
  hostKey,
  httpsUrl,
  integer,
  label,
  map,
  nodeVersion,
  port,
  sha256,
  sshPrivateKey,
  tlsPrivateKey,
} from "./fields.ts";
import { kubernetes } from "./kubernetes-schema.ts";
import { received, receivedKind } from "./problems.ts";
import type { Sealed } from "./secret.ts";
import type {
  ArtifactsConfig,
  DestroyConfig,
  ExistingWitness,
  ManagedWitness,
  MasterConfig,
  NodeConfig,
  PkiConfig,
  SiteConfig,
  SshConfig,
  WitnessStorage,
} from "./site-config.ts";

export type * from "./site-config.ts";

const name = label.describe("Host name of the node");
const frontend = address.describe("IPv4 address for SSH, clients and the witness");
const hostKeyAndPort = {
  hostKey: hostKey.describe("SSH host key, one authorized_keys entry"),
  port: port.optional().describe("SSH port, if not that of the site"),
};

const node = map({
  name,
  frontend,
  backend: address.describe("IPv4 address on the direct link between the nodes"),
  disk: blockDevice.describe("Block device for the replicated volume etcd-t, e.g. a fresh logical volume"),
  ...hostKeyAndPort,
}).transform((value): NodeConfig => ({ ...value, port: value.port }));

const master = map(
  { name, frontend, ...hostKeyAndPort },
  " with datastore.kind etcd-cluster, which keeps no data on the nodes",
).transform((value): MasterConfig => ({ ...value, port: value.port }));

const nodes = pair(node);
const masters = pair(master);

function pair<T extends z.ZodType>(one: T) {
  return z
    .array(one, { error: (issue) => `${receivedKind(issue.input)}; must be a list of two nodes, node one first` })
    .length(2, { error: (issue) => `has ${(issue.input as unknown[]).length} nodes; must have two, node one first` })
    .transform((value) => value as [z.output<T>, z.output<T>]);
}

const ssh = map({
  user: z
    .literal("root", {
      error: (issue) => `${received(issue.input)}; only root is supported, another user with sudo is not yet`,
    })
    .prefault("root")
    .describe("User on every machine"),
  privateKey: sshPrivateKey.describe("SSH private key, a secret"),
  port: port.prefault(22).describe("SSH port of every machine that names none"),
  dialTimeout: duration.prefault("10s").describe("Time limit of one dial, whole seconds"),
  dialAttempts: integer(1, 100).prefault(3).describe("Dials after which a machine counts as unreachable"),
}).transform(
  ({ dialTimeout, ...value }): SshConfig<Sealed> => ({ ...value, dialTimeoutSeconds: Math.ceil(dialTimeout / 1000) }),
);

const waitOffset = duration
  .prefault("300ms")
  .describe("How long the node without the volume waits before it claims: the holder wins a split");

const storage = z
  .union(
    [
      z.literal("tmpfs").transform((): WitnessStorage => ({ kind: "tmpfs" })),
      map({ path: folder }).transform((value): WitnessStorage => ({ kind: "disk", ...value })),
    ],
    {
      error: (issue) =>
        `${received(issue.input)}; must be tmpfs, or a map with path: a folder on a disk mounted sync,dirsync, with power-loss protection`,
    },
  )
  .prefault("tmpfs")
  .describe("Where claims lie: tmpfs, or a path on a disk mounted sync,dirsync with power-loss protection");

const managedWitness = map({
  host: host.describe("Address of the web server to install as the witness; a third machine"),
  hostKey: hostKey.describe("SSH host key of the witness, one authorized_keys entry"),
  port: port.prefault(8443).describe("HTTPS port of the witness"),
  waitOffset,
  storage,
}).transform(
  ({ waitOffset, ...value }): ManagedWitness => ({
    kind: "managed",
    ...value,
    url: `https://${value.host}:${value.port}`,
    waitOffsetMs: waitOffset,
  }),
);

const credential = map({
  clientCertificate: certificate.describe("PEM certificate that the node shows"),
  clientKey: tlsPrivateKey.describe("PEM private key of the certificate, a secret"),
});

const existingWitness = map({
  url: httpsUrl.describe("URL of the witness, under which the site's folder lies"),
  caCertificate: certificate.describe("PEM certificate of the authority behind the witness's own certificate"),
  credentials: map({ nodeOne: credential, nodeTwo: credential }).describe("What each node shows to the witness"),
  waitOffset,
}).transform(
  ({ waitOffset, ...value }): ExistingWitness<Sealed> => ({ kind: "existing", ...value, waitOffsetMs: waitOffset }),
);

const noWitness = z.never({ error: "is given, and datastore.kind etcd-cluster has none; remove it" }).optional();

const pinnedNode = map({
  version: nodeVersion.describe("Version without a leading v; 18 or later"),
  url: httpsUrl
    .optional()
    .describe("Where the .tar.gz archive is, if not at nodejs.org; name the file for the machines’ architecture"),
  sha256: sha256.describe("SHA-256 sum of the archive"),
}).transform(({ version, url, sha256 }) => ({
  url: url ?? `https://nodejs.org/dist/v${version}/node-v${version}-linux-x64.tar.gz`,
  sha256,
}));

const artifacts = map({
  bundle: folder
    .optional()
    .describe("Folder on every machine with what would be downloaded, for sites without a way out"),
  node: pinnedNode.optional().describe("An official Node.js in the place of the distribution's package"),
}).transform((value): ArtifactsConfig => ({ bundle: value.bundle, node: value.node }));

const pki = map({
  certificateValidity: days.prefault("1y").describe("Validity of a new certificate"),
  renewBefore: days.prefault("30d").describe("A certificate with less left is renewed by the next up"),
  rotation: integer(0, 1_000_000).prefault(0).describe("A higher number makes new keys and certificates"),
}).transform(
  (value): PkiConfig => ({
    certificateValidityDays: value.certificateValidity,
    renewBeforeDays: value.renewBefore,
    rotation: value.rotation,
  }),
);

const destroy = map({
  purgeData: boolean().prefault(false).describe("Destroying the stack also removes the data of etcd and of Kubernetes"),
}).transform((value): DestroyConfig => value);

/** The sections of `tandem:site` in the order in which an author writes them. */
export const sections = {
  environment: label
    .optional()
    .describe("File under stacks/environments/ whose values lie beneath these, without .yaml"),
  name: label.describe("Name of the site, also its folder on the witness"),
  nodes: z.union([nodes, masters]).describe("Node one, the preferred holder, then node two"),
  ssh: ssh.describe("How the machines are reached"),
  witness: z
    .union([managedWitness, existingWitness])
    .optional()
    .describe("The web server that decides who survives: host to install one, url to use one"),
  datastore: datastore.describe("What keeps the data"),
  kubernetes: kubernetes.describe("What runs on it"),
  artifacts: artifacts.prefault({}).describe("Where programs come from"),
  pki: pki.prefault({}).describe("Certificates"),
  destroy: destroy.prefault({}).describe("What destroying the stack may remove"),
};

export type SectionName = keyof typeof sections;

/** The schema for a section's value: for a union without a key that names its branch, the branch that its author must have meant. */
export function schemaFor(section: SectionName, values: Values): z.ZodType {
  const isExternal = isMap(values.datastore) && values.datastore.kind === "etcd-cluster";
  switch (section) {
    case "nodes":
      return isExternal ? masters : nodes;
    case "witness":
      return isExternal ? noWitness : witnessSchema(values.witness);
    case "datastore":
      return isMap(values.datastore) && !("kind" in values.datastore) ? etcdWitness : datastore;
    default:
      return sections[section];
  }
}

function witnessSchema(value: unknown): z.ZodType {
  const isExisting = isMap(value) && ("url" in value || ("credentials" in value && !("host" in value)));
  return isExisting ? existingWitness : managedWitness;
}

/** A site whose every section has its shape. */
export type ParsedSite = SiteConfig<Sealed>;
