import { Site } from "../e2e/site.ts";
import { Lab, SITE_GUESTS } from "../lab/lab.ts";
import { step } from "../lab/progress.ts";
import { disks, prepareDisks } from "./faults/disk.ts";
import type { Bench } from "./faults/fault.ts";
import { Impairments } from "./faults/impairments.ts";
import { Power } from "./faults/power.ts";
import { armRaces } from "./faults/process.ts";
import { Journals } from "./journals.ts";
import { ensureChecker } from "./linearizability.ts";
import { Monitor } from "./monitor.ts";
import { nodes } from "./schedule.ts";

/** A site on a lab of its own, whose disks, agents and machines can be made to fail. */
export class Rig {
  readonly bench: Bench;
  readonly site: Site;
  readonly checker: string;
  readonly monitor: Monitor;
  readonly journals: Journals;

  private constructor(site: Site, checker: string) {
    const { lab } = site;
    const power = new Power(lab, (text) => this.bench.note(text));
    this.site = site;
    this.checker = checker;
    // Whoever runs a schedule listens.
    const told = { note: () => {}, notTried: () => {} };
    this.bench = { lab, site, power, impairments: new Impairments(), cuts: new Map(), ...told };
    this.monitor = new Monitor(lab, power);
    this.journals = new Journals(lab, power);
  }

  static async start(): Promise<Rig> {
    const checker = await ensureChecker();
    const lab = await Lab.start({ name: "torture", guests: SITE_GUESTS });
    try {
      for (const node of nodes) await prepareDisks(lab.guest(node));
      const site = await Site.prepare(lab);
      await site.stack.change((config) => {
        for (const node of config.nodes) node.disk = `/dev/mapper/${disks.T.mapper}`;
      });
      await step("up of the site to be tortured", () => site.up());
      const rig = new Rig(site, checker);
      for (const node of nodes) await armRaces(rig.bench, node);
      await step("wait until the site is protected", () => site.untilAtHome());
      return rig;
    } catch (error) {
      await lab.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.bench.power.end();
    this.monitor.end();
    this.journals.end();
    await this.site.lab.stop();
  }
}
