import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { agentFiles } from "../../components/arbiter/arbiter.ts";
import type { FileSet, UserSpec } from "../../components/cli/apply/bundle-type.ts";
import { readEnvironments } from "../../components/config/environments.ts";
import { kubernetesTimes } from "../../components/config/kubernetes-timing.ts";
import { parseSite } from "../../components/config/parse.ts";
import type { SiteConfig } from "../../components/config/schema.ts";
import { masterFiles } from "../../components/datastore/external.ts";
import { profileOf } from "../../components/datastore/profile.ts";
import { volumeFiles } from "../../components/drbd.ts";
import { memberFiles } from "../../components/etcd/member.ts";
import { transientFiles } from "../../components/etcd/transient.ts";
import { keepalivedFiles } from "../../components/keepalived.ts";
import { k3sFiles } from "../../components/kubernetes/k3s.ts";
import { kubeletFiles } from "../../components/kubernetes/kubelet.ts";
import { kubernetesUser } from "../../components/kubernetes/paths.ts";
import { upstreamFiles } from "../../components/kubernetes/upstream.ts";
import { loadBalancerFiles } from "../../components/load-balancer.ts";
import { nodeFiles } from "../../components/node.ts";
import { witnessFiles } from "../../components/witness.ts";

const root = join(import.meta.dirname, "..", "..");
const templates = join(root, "templates");

/** Text by `<machine>/<path on it>`. */
export type Rendered = Readonly<Record<string, string>>;

/** The committed stacks, by the name in their file's name. */
export const examples: readonly string[] = readdirSync(join(root, "stacks"))
  .flatMap((file) => /^Pulumi\.(.+)\.yaml$/.exec(file)?.[1] ?? [])
  .sort();

/** What a site's machines get, but for programs, secrets, certificates, and files that are the same on every machine. */
export function renderExample(example: string): Rendered {
  const machines = Object.entries(fileSets(readSite(example)));
  return Object.fromEntries(machines.flatMap(([machine, sets]) => sets.flatMap((set) => filesOf(machine, set))));
}

/** Every component's files, by machine. */
export function fileSets(config: SiteConfig): Record<string, FileSet[]> {
  const machines: Record<string, FileSet[]> = {};
  for (const index of [0, 1] as const)
    machines[config.nodes[index].name] = [...datastoreFiles(config, index), ...kubernetesFiles(config, index)];
  const { name: site, nodes, witness, destroy } = config;
  if (witness?.kind === "managed") {
    const { port, storage } = witness;
    const plan = { site, port, nodes: nodes.map((node) => node.name), storage, purge: destroy.purgeData };
    machines.witness = [witnessFiles(plan)];
  }
  const balancer = balancerFiles(config);
  if (balancer !== undefined) machines[balancer.machine] = [...(machines[balancer.machine] ?? []), balancer.files];
  return machines;
}

function datastoreFiles(config: SiteConfig, index: 0 | 1): FileSet[] {
  if (config.witness === undefined) return [masterFiles()];
  const { name: site, nodes, datastore, artifacts, destroy } = config;
  const { drbd, quotaBackendBytes } = datastore;
  const plan = { site, nodes, purge: destroy.purgeData };
  return [
    nodeFiles({ ...plan, node: nodes[index], sibling: nodes[index === 0 ? 1 : 0], drbd }),
    volumeFiles({ ...plan, drbd, quotaBackendBytes }),
    memberFiles({ ...plan, datastore, artifacts }, index),
    transientFiles({ ...plan, datastore }, index, ""),
    agentFiles(config, index, ""),
  ];
}

function kubernetesFiles(config: SiteConfig, index: 0 | 1): FileSet[] {
  const { name: site, nodes, kubernetes, artifacts, destroy } = config;
  if (kubernetes.distribution === "none") return [];
  const datastore = profileOf(config);
  const times = kubernetesTimes(kubernetes, datastore.gaps);
  const plan = { site, nodes, times, datastore, artifacts, purge: destroy.purgeData };
  const { endpoint } = kubernetes;
  const { aside } = datastore;
  const address = (probeUser: UserSpec | undefined) =>
    endpoint.kind === "vip" ? [keepalivedFiles({ site, nodes, vip: endpoint, times, aside, probeUser }, index)] : [];
  if (kubernetes.distribution === "k3s") return [k3sFiles({ ...plan, kubernetes }, index), ...address(undefined)];
  const { workloads } = kubernetes;
  return [
    upstreamFiles({ ...plan, kubernetes }, index),
    ...address(kubernetesUser),
    ...(workloads === undefined ? [] : [kubeletFiles({ ...plan, kubernetes, workloads }, index)]),
  ];
}

function balancerFiles(config: SiteConfig) {
  const { name: site, nodes, witness, kubernetes } = config;
  if (kubernetes.distribution === "none" || kubernetes.endpoint.kind === "vip") return undefined;
  const { address, port } = kubernetes.endpoint;
  const probe = kubernetes.distribution === "k3s" ? "nameless" : "certificate";
  const { gaps, aside } = profileOf(config);
  const times = kubernetesTimes(kubernetes, gaps);
  return {
    machine: witness?.kind === "managed" && witness.host === address ? "witness" : "load-balancer",
    files: loadBalancerFiles({ site, nodes, port, times, probe, isToldAside: aside !== undefined }),
  };
}

export function readSite(example: string) {
  const file = parse(readFileSync(join(root, "stacks", `Pulumi.${example}.yaml`), "utf8"));
  const result = parseSite(file.config["tandem:site"], readEnvironments(join(root, "stacks", "environments")));
  if (!result.ok) throw new Error(`the stack ${example} is no site: ${result.errors.join("; ")}`);
  return result.site as unknown as SiteConfig;
}

function filesOf(machine: string, { files = {} }: FileSet): [string, string][] {
  return Object.entries(files)
    .filter(([path, { content }]) => content !== "" && !isTemplate(path, content))
    .map(([path, { content }]) => [`${machine}${path}`, content]);
}

function isTemplate(path: string, content: string): boolean {
  try {
    return readFileSync(join(templates, path), "utf8") === content;
  } catch {
    return false;
  }
}
