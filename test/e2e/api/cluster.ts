import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDuration } from "../../../components/config/duration.ts";
import { say } from "../../lab/progress.ts";
import { underLoad } from "../load/load.ts";
import { type NodeName, nodes, type Site } from "../site.ts";
import { ApiLoad, type ApiReport } from "./api-load.ts";
import { readKubeconfig } from "./client.ts";

const managers = ["kube-controller-manager", "kube-scheduler"];
/** Of a manager at work; it renews every two seconds. The machines share one clock. */
const renewedWithinMs = 5000;

interface Lease {
  name: string;
  node: NodeName;
  ageMs: number;
}

interface LeaseObject {
  metadata: { name: string };
  spec: { holderIdentity: string; renewTime: string };
}

/** The Kubernetes of a site, as its operators reach it: through the address of the API. */
export class Cluster {
  readonly site: Site;
  private readonly kubeconfig: string;
  private readonly vip: string;

  private constructor(site: Site, kubeconfig: string) {
    this.site = site;
    this.kubeconfig = kubeconfig;
    this.vip = new URL(readKubeconfig(kubeconfig).server).hostname;
  }

  static async of(site: Site): Promise<Cluster> {
    return new Cluster(site, await site.stack.output("kubeconfig"));
  }

  /** @returns what kubectl prints, trimmed */
  async kubectl(...args: string[]): Promise<string> {
    const file = join(this.site.lab.folder, "kubeconfig");
    await writeFile(file, this.kubeconfig, { mode: 0o600 });
    const [folder = ""] = this.site.lab.toolchain.path.slice(-1);
    const argv = [join(folder, "kubectl"), "--kubeconfig", file, "--request-timeout=10s", ...args];
    return (await this.site.lab.exec(argv, { timeoutMs: 30_000 })).stdout.trim();
  }

  /** The nodes that have the address; two would be wrong. */
  async holders(): Promise<NodeName[]> {
    const on = nodes.filter((node) => this.site.guest(node).running);
    const found = await Promise.all(
      on.map(async (node) => (await this.site.guest(node).run("ip -brief -4 address")).stdout.includes(`${this.vip}/`)),
    );
    return on.filter((_, i) => found[i]);
  }

  /** Lets the other node give the address away, if it has it. */
  async moveAddress(to: NodeName): Promise<void> {
    const [holder] = await this.holders();
    if (holder !== undefined && holder !== to)
      await this.site.guest(holder).run("systemctl restart keepalived.service");
    await this.site.until(`the address of the API on ${to}`, 20_000, async () => {
      const holders = await this.holders();
      return (holders.length === 1 && holders[0] === to) || undefined;
    });
  }

  /** Waits until both API servers are ready and both managers work on some node. */
  async untilReady(timeoutMs = 90_000): Promise<void> {
    await this.site.until("both API servers ready", timeoutMs, async () => {
      for (const node of nodes) await this.site.guest(node).run("/usr/local/lib/tandem/api-server-probe.sh readyz");
      return true;
    });
    await this.untilLeasesHeldBy(nodes);
  }

  /** Waits until each manager's lease is renewed by one of these nodes. */
  async untilLeasesHeldBy(allowed: readonly NodeName[], timeoutMs = 90_000): Promise<void> {
    await this.site.until(`the managers at work on ${allowed.join(" or ")}`, timeoutMs, async () => {
      const leases = await this.leases();
      const works = ({ node, ageMs }: Lease) => allowed.includes(node) && ageMs < renewedWithinMs;
      return leases.every(works) || undefined;
    });
  }

  /** Node with each manager's lease. */
  async leaseHolders(): Promise<Record<string, NodeName>> {
    return Object.fromEntries((await this.leases()).map(({ name, node }) => [name, node]));
  }

  /** Of the managers' leases, as their unit says. */
  private async renewMs(): Promise<number> {
    const unit = "/etc/systemd/system/kube-controller-manager.service";
    const { stdout } = await this.site.guest("n1").run(`grep -o 'leader-elect-renew-deadline=[^ ]*' ${unit}`);
    return parseDuration(stdout.trim().split("=")[1] ?? "") as number;
  }

  private async leases(): Promise<Lease[]> {
    const json = await this.kubectl("get", "leases", "-n", "kube-system", ...managers, "-o", "json");
    const { items } = JSON.parse(json) as { items: LeaseObject[] };
    return items.map(({ metadata, spec }) => ({
      name: metadata.name,
      // `<host name>_<uuid>`
      node: spec.holderIdentity.split("_")[0] as NodeName,
      ageMs: Date.now() - Date.parse(spec.renewTime),
    }));
  }

  /** Runs a writer and a watcher through the address meanwhile. @throws SafetyError if an event is missing */
  async withLoad(work: (load: ApiLoad) => Promise<void>): Promise<ApiReport> {
    const load = await ApiLoad.start(this.site.lab, readKubeconfig(this.kubeconfig), await this.renewMs());
    const report = await underLoad(
      () => work(load),
      () => load.stop(),
    );
    say(`  API: ${report.acknowledged} writes acknowledged, longest gap ${report.gapMs.toFixed(0)} ms, no event lost`);
    return report;
  }
}
