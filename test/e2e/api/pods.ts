import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { readEnvironments } from "../../../components/config/environments.ts";
import { type KubernetesTimes, kubernetesTimes } from "../../../components/config/kubernetes-timing.ts";
import { parseSite } from "../../../components/config/parse.ts";
import { profileOf } from "../../../components/datastore/profile.ts";
import { containerArchive, containerImage } from "../../lab/container-image.ts";
import { type NodeName, nodes, type Site } from "../site.ts";
import { until } from "../until.ts";
import type { Cluster } from "./cluster.ts";

export interface Pod {
  name: string;
  node: NodeName;
  address: string;
}

interface Condition {
  type: string;
  status: string;
}

interface PodObject {
  metadata: { name: string; deletionTimestamp?: string };
  spec: { nodeName: NodeName };
  status: { podIP: string; conditions?: Condition[] };
}

/** Lets the site's nodes run pods from its next `up` on. */
export function askForWorkloads(site: Site): Promise<void> {
  return site.stack.change(({ kubernetes }) => {
    kubernetes.workloads = true;
    kubernetes.pauseImage = containerImage;
  });
}

/** Gives both nodes the lab's image, for want of a registry. */
export async function importImage(site: Site): Promise<void> {
  for (const node of nodes)
    await site
      .guest(node)
      .run(`ctr --namespace k8s.io images import ${containerArchive} && sync`, { timeoutMs: 60_000 });
}

/** Runs one pod of the lab's image. @returns it, ready */
export async function deploy(cluster: Cluster, deployment: string): Promise<Pod> {
  const command = ["--", "/container", "serve"];
  await cluster.kubectl("create", "deployment", deployment, `--image=${containerImage}`, ...command);
  return untilSeen(cluster)("a pod that is ready", 60_000, async () => (await readyPods(cluster, deployment))[0]);
}

/** Each look is a whole kubectl on the processors that the guests share: one a second, and the cluster in the error. */
export function untilSeen(cluster: Cluster) {
  const diagnosis = () => cluster.kubectl("get", "nodes,pods,events", "--output=wide").catch(String);
  return <T>(what: string, timeoutMs: number, look: () => Promise<T | undefined>) =>
    until(what, timeoutMs, look, { everyMs: 1000, diagnosis });
}

/** The times of the site's Kubernetes, by its configuration. */
export async function timesOfSite(site: Site): Promise<KubernetesTimes> {
  const raw = parse(await readFile(site.stack.configFile, "utf8")).config["tandem:site"];
  const environments = readEnvironments(join(import.meta.dirname, "../../../stacks/environments"));
  const parsed = parseSite(raw, environments);
  if (!parsed.ok) throw new Error(parsed.errors.join("\n"));
  const { kubernetes } = parsed.site;
  if (kubernetes.distribution === "none") throw new Error("the site has no Kubernetes");
  return kubernetesTimes(kubernetes, profileOf(parsed.site).gaps);
}

/** A Deployment's pods that are ready and not about to end. */
export async function readyPods(cluster: Cluster, deployment: string): Promise<Pod[]> {
  const { items } = JSON.parse(await cluster.kubectl("get", "pods", "-l", `app=${deployment}`, "-o", "json")) as {
    items: PodObject[];
  };
  return items
    .filter(({ metadata, status }) => metadata.deletionTimestamp === undefined && isTrue(status.conditions, "Ready"))
    .map(({ metadata, spec, status }) => ({ name: metadata.name, node: spec.nodeName, address: status.podIP }));
}

/** The nodes that say of themselves that they can run pods. */
export async function readyNodes(cluster: Cluster): Promise<NodeName[]> {
  const { items } = JSON.parse(await cluster.kubectl("get", "nodes", "-o", "json")) as {
    items: { metadata: { name: NodeName }; status: { conditions: Condition[] } }[];
  };
  return items.filter(({ status }) => isTrue(status.conditions, "Ready")).map(({ metadata }) => metadata.name);
}

function isTrue(conditions: readonly Condition[] = [], type: string): boolean {
  return conditions.some((one) => one.type === type && one.status === "True");
}

/** What a node that runs no pods any more has of theirs but their data and images; empty if there is nothing. */
export async function podsLeftovers(site: Site, node: NodeName): Promise<string> {
  const looks = [
    "ls /etc/systemd/system /usr/local/bin /etc/cni/net.d /etc/tandem/kubernetes /etc/tandem/pki/kubernetes 2>/dev/null | grep -E '^kubelet(\\.|$)|tandem-pods'",
    "ls -d /etc/containerd/*before-tandem /run/tandem-pods /sys/fs/cgroup/kubepods.slice 2>/dev/null",
    "ls /run/netns /var/lib/cni/results 2>/dev/null | grep -v :",
    "ps -eo args | grep -E '^(kubelet|/usr/bin/containerd|/container)'",
    "grep -E ' (/var/lib/kubelet|/run/containerd)/' /proc/mounts",
    "ip -brief link show type bridge; ip -brief link show type veth",
    "ip route show root 10.244.0.0/16",
    "systemctl start containerd && ctr --namespace k8s.io containers list --quiet; systemctl stop containerd",
  ];
  return (await site.guest(node).run(looks.join("; "))).stdout.trim();
}
