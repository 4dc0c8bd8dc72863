import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { say } from "../../lab/progress.ts";
import { type NodeName, nodes, type Site } from "../site.ts";
import { ApiLoad, type ApiReport } from "./api-load.ts";
import { readKubeconfig } from "./client.ts";

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

  /** Runs a writer and a watcher through the address meanwhile. @throws SafetyError if an event is missing */
  async withLoad(work: (load: ApiLoad) => Promise<void>): Promise<ApiReport> {
    const load = await ApiLoad.start(this.site.lab, readKubeconfig(this.kubeconfig));
    let problem: unknown;
    try {
      await work(load);
    } catch (error) {
      problem = error;
    }
    const report = await load.stop().catch((error) => {
      throw problem ?? error;
    });
    if (problem !== undefined) throw problem;
    say(`  API: ${report.acknowledged} writes acknowledged, longest gap ${report.gapMs.toFixed(0)} ms, no event lost`);
    return report;
  }
}
