import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SOCKET } from "../../components/arbiter/agent/paths.ts";
import type { StatusReport } from "../../components/arbiter/agent/status.ts";
import type { Guest } from "../lab/guest.ts";
import type { Lab } from "../lab/lab.ts";
import type { EtcdClient } from "../lab/plain-etcd.ts";
import { CommandError, type RunOptions } from "../lab/process.ts";
import { say } from "../lab/progress.ts";
import { type LabStack, labStack } from "../lab/stack.ts";
import { defaultRate, Load, type Report, SafetyError, underLoad } from "./load/load.ts";
import { until } from "./until.ts";

export type NodeName = "n1" | "n2";
export const nodes: readonly NodeName[] = ["n1", "n2"];

/** A look costs each node a login's share of its only CPU and its agent a reading of everything. */
const statusEveryMs = 500;
const statusAttempts = 3;

const pki = "/etc/tandem/pki";
const etcdctl = `/usr/local/bin/etcdctl --cacert ${pki}/etcd-ca.crt --cert ${pki}/etcd-client.crt --key ${pki}/etcd-client.key`;

/** The site that the product makes of a lab's machines. */
export class Site {
  readonly lab: Lab;
  readonly stack: LabStack;

  private constructor(lab: Lab, stack: LabStack) {
    this.lab = lab;
    this.stack = stack;
  }

  /** The machines with their configuration; nothing is applied yet. */
  static async prepare(lab: Lab): Promise<Site> {
    return new Site(lab, await labStack(lab));
  }

  /** `pulumi up`. @returns its output */
  async up(args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
    const { stdout } = await this.stack.pulumi(["up", "--yes", "--skip-preview", ...args], options);
    return stdout;
  }

  async destroy(): Promise<void> {
    await this.stack.pulumi(["destroy", "--yes", "--skip-preview"]);
  }

  /** Does something while the stack's configuration is another. @param change of it, which is taken back */
  async changed<T>(change: () => Promise<unknown>, work: () => Promise<T>): Promise<T> {
    const { configFile } = this.stack;
    const before = await readFile(configFile);
    try {
      await change();
      return await work();
    } finally {
      await writeFile(configFile, before);
    }
  }

  /** Runs `etcdctl` on a node, with the site's own client certificate. @returns its output, trimmed */
  async etcdctl(node: NodeName, command: string): Promise<string> {
    const { stdout } = await this.guest(node).run(`${etcdctl} --endpoints https://127.0.0.1:2379 ${command}`);
    return stdout.trim();
  }

  /**
   * What the agent of a node says. A question that fails is asked again for a while, and told: on two busy processors one
   * command may take all of its time.
   * @throws if the node or its agent does not answer
   */
  async status(node: NodeName): Promise<StatusReport> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.ask(node);
      } catch (error) {
        if (!(error instanceof CommandError) || attempt === statusAttempts) throw error;
        say(`  asking ${node} again: ${error.message}`);
      }
    }
  }

  /** By curl: `tandem status` starts Node, which keeps a guest of one CPU from the work that is waited for. */
  private async ask(node: NodeName): Promise<StatusReport> {
    const ask = `curl --disable --silent --show-error --fail --max-time 5 --unix-socket ${SOCKET} http://agent/status`;
    const { stdout } = await this.guest(node).run(ask, { timeoutMs: 8000 });
    return JSON.parse(stdout);
  }

  /** Waits until both nodes say that the site survives the loss of either node and of the witness. */
  async untilProtected(timeoutMs = 60_000): Promise<void> {
    await this.untilReports("a site that survives the loss of any one machine", timeoutMs, isProtected);
  }

  /** Waits until the site is protected, T runs on node one and E2 leads. */
  async untilAtHome(timeoutMs = 90_000): Promise<void> {
    const what = "a protected site with T on node one and the leader on node two";
    await this.untilReports(what, timeoutMs, (one) => isProtected(one) && one.runsT === "n1" && one.leader === "E2");
  }

  private async untilReports(what: string, timeoutMs: number, fits: (one: StatusReport) => boolean): Promise<void> {
    const look = async () => {
      const reports = await Promise.all(nodes.map((node) => this.ask(node)));
      return reports.every(fits) || undefined;
    };
    await until(what, timeoutMs, look, { everyMs: statusEveryMs, diagnosis: () => this.diagnosis() });
  }

  /** Raft's term as E2 knows it: the same as before if no leader had to be elected since. */
  async term(): Promise<number> {
    const [answer] = parseStatus(await this.etcdctl("n2", "endpoint status -w json"));
    if (answer === undefined) throw new Error("E2 says nothing of its status");
    return answer.raftTerm;
  }

  /** Whether a node with T has the leader too: its regular member or T, by its own belief. Gives up after 3 s. */
  async leadsBesideT(node: NodeName): Promise<boolean> {
    const endpoints = `https://127.0.0.1:2379,https://${this.guest(node).spec.backend}:2383`;
    const command = `${etcdctl} --endpoints ${endpoints} endpoint status -w json`;
    // Of two members one may not answer, which is told in the code alone.
    const { stdout } = await this.guest(node).run(command, { check: false, timeoutMs: 3000 });
    // Ids of 64 bits, rounded by JSON, and both alike.
    return parseStatus(stdout || "[]").some(({ header, leader }) => leader === header.member_id);
  }

  /** The node whose processes include T; both would be the worst of all failures. */
  async whoRunsT(): Promise<NodeName[]> {
    const on = nodes.filter((node) => this.guest(node).running);
    const running = await Promise.all(
      on.map(async (node) => {
        const { stdout } = await this.guest(node).run(
          // One that waits for its settings is a loaded program and no member.
          "test -p /run/tandem-transient/config || systemctl is-active etcd-transient.service || true",
        );
        return stdout.trim() === "active";
      }),
    );
    return on.filter((_, i) => running[i]);
  }

  /**
   * Runs a writer and a reader on both members meanwhile. @returns what they saw
   * @throws SafetyError if that is not correct, however the work ended
   */
  async withLoad(work: (load: Load) => Promise<void>, writesPerSecond = defaultRate): Promise<Report> {
    const load = await Load.start(this.lab, { ...(await this.etcdClient()), writesPerSecond, mix: "thorough" });
    const report = await underLoad(
      () => work(load),
      async () => {
        const seen = await load.stop();
        seen.assertCorrect();
        return seen;
      },
    );
    say(`  ${report.acknowledged} writes acknowledged, longest gap ${report.gap().ms.toFixed(0)} ms`);
    return report;
  }

  /** E1 and E2 as the lab's host reaches them, with the site's own client certificate. */
  async etcdClient(): Promise<EtcdClient> {
    const folder = join(this.lab.folder, "pki");
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const fetch = async (file: string) => {
      const { stdout } = await this.guest("n1").run(`cat ${pki}/${file}`);
      await writeFile(join(folder, file), stdout, { mode: 0o600 });
      return join(folder, file);
    };
    const [ca, cert, key] = [
      await fetch("etcd-ca.crt"),
      await fetch("etcd-client.crt"),
      await fetch("etcd-client.key"),
    ];
    const endpoints = nodes.map((node, i) => ({
      name: `E${i + 1}`,
      url: `https://${this.guest(node).spec.frontend}:2379`,
    }));
    return { endpoints, tls: { ca, cert, key } };
  }

  /** Waits until all three members hold the same data at one revision. @throws SafetyError if they never do */
  async hashesAgree(timeoutMs = 20_000): Promise<void> {
    let different = "";
    await this.until("equal hashes of all three members", timeoutMs, async () => {
      const [holder] = await this.whoRunsT();
      if (holder === undefined) throw new Error("T runs nowhere");
      const regular = nodes.map((node) => `https://${this.guest(node).spec.frontend}:2379`);
      const endpoints = [...regular, `https://${this.guest(holder).spec.backend}:2383`].join();
      const hashes = async (revision: number) => {
        const command = `${etcdctl} --endpoints ${endpoints} endpoint hashkv --rev ${revision} -w json`;
        return parseHashes((await this.guest(holder).run(command)).stdout);
      };
      const revision = Math.min(...(await hashes(0)).map((one) => one.revision));
      const seen = new Set((await hashes(revision)).map(({ hash, compacted }) => `${hash} since ${compacted}`));
      different = seen.size > 1 ? `at revision ${revision} there are ${[...seen].join(", ")}` : "";
      return different === "" || undefined;
    }).catch((error: Error) => {
      throw different === "" ? error : new SafetyError(`${different}\n${error.message}`);
    });
  }

  async powerOn(...names: NodeName[]): Promise<void> {
    await Promise.all(names.map((name) => this.guest(name).boot()));
    await Promise.all(names.map((name) => this.guest(name).waitSsh()));
  }

  /** An orderly shutdown and the next boot. (A restart from within ends a guest of the lab as well.) */
  async reboot(name: NodeName): Promise<void> {
    const guest = this.guest(name);
    await guest.run("systemctl poweroff", { check: false });
    await this.until(`the orderly shutdown of ${name}`, 60_000, () => !guest.running || undefined);
    await this.powerOn(name);
  }

  guest(name: NodeName): Guest {
    return this.lab.guest(name);
  }

  /** {@link until}, with the state of both nodes in the error. */
  until<T>(what: string, timeoutMs: number, question: () => Promise<T | undefined> | T | undefined): Promise<T> {
    return until(what, timeoutMs, question, { diagnosis: () => this.diagnosis() });
  }

  /** Status, DRBD and the agent's last words on each node. */
  async diagnosis(): Promise<string> {
    const looks = [
      "tandem status --json",
      "drbdsetup events2 --now etcd-t",
      "systemctl --no-pager --plain --no-legend list-units --all 'etcd*' 'tandem*'",
      "journalctl -u tandem-agent -n 60 --no-pager -o short-precise",
    ];
    const parts = await Promise.all(
      nodes.map(async (node) => {
        const guest = this.guest(node);
        if (!guest.running) return `--- ${node} is off`;
        const seen = await Promise.all(
          looks.map(async (look) => {
            const run = guest.run(`timeout 5 ${look} 2>&1`, { check: false, timeoutMs: 10_000 });
            return `--- ${node}: ${look}\n${await run.then(
              (result) => result.stdout,
              (error: Error) => error.message,
            )}`;
          }),
        );
        return seen.join("\n");
      }),
    );
    return parts.join("\n");
  }
}

function isProtected({ survives }: StatusReport): boolean {
  return survives.nodeOne.yes && survives.nodeTwo.yes && survives.witness.yes;
}

interface MemberStatus {
  header: { member_id: number };
  leader: number;
  raftTerm: number;
}

/** What each member that answered `endpoint status` says. */
function parseStatus(json: string): MemberStatus[] {
  const answers: { Status: MemberStatus }[] = JSON.parse(json);
  return answers.map(({ Status }) => Status);
}

function parseHashes(json: string): { revision: number; hash: number; compacted: number }[] {
  const answers: { HashKV: { header: { revision: number }; hash: number; compact_revision?: number } }[] =
    JSON.parse(json);
  return answers.map(({ HashKV }) => ({
    revision: HashKV.header.revision,
    hash: HashKV.hash,
    compacted: HashKV.compact_revision ?? 0,
  }));
}
