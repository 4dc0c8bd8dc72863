import { existsSync } from "node:fs";
import { request } from "node:http";
import { SETTINGS, SOCKET } from "../arbiter/agent/paths.ts";
import type { StatusReport, Survival } from "../arbiter/agent/status.ts";
import { probeScript } from "../kubernetes/paths.ts";
import { run } from "./process.ts";
import { Failure, type Verb } from "./verb.ts";

const LIMIT_MS = 5000;

const withoutDatastore = `no agent is set up here, as on every node with datastore.kind etcd-cluster; whether its API server works is told by ${probeScript} readyz`;

/** `tandem status`: what the agent of this node knows, or what can be seen without it. */
export const status: Verb = {
  usage: "status [--json]",
  summary: "who runs what, why it waits, and what the site survives",
  async run(args) {
    const wrong = args.find((arg) => arg !== "--json");
    if (wrong !== undefined) throw new Failure(`status knows --json, not ${JSON.stringify(wrong)}`);
    const asked = await askAgent(SOCKET);
    if ("failure" in asked) {
      if (!existsSync(SETTINGS)) throw new Failure(withoutDatastore);
      const seen = await withoutAgent();
      throw new Failure(
        [`the agent does not answer (${asked.failure}); see: journalctl -u tandem-agent`, ...seen].join("\n"),
      );
    }
    process.stdout.write(args.includes("--json") ? `${asked.json}\n` : describe(JSON.parse(asked.json)));
  },
};

export function askAgent(
  socketPath: string,
  question: { path: string; method?: "POST" } = { path: "/status" },
): Promise<{ json: string } | { failure: string }> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, ...question, timeout: LIMIT_MS });
    asked.on("timeout", () => asked.destroy(new Error(`no answer within ${LIMIT_MS} ms`)));
    asked.on("error", (error) => resolve({ failure: error.message }));
    asked.on("response", (response) => {
      let json = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        json += chunk;
      });
      response.on("end", () =>
        resolve(response.statusCode === 200 ? { json: json.trim() } : { failure: `answer ${response.statusCode}` }),
      );
    });
    asked.end();
  });
}

/** DRBD, T and the regular member as their own tools show them; what only the agent knows is named as unknown. */
async function withoutAgent(): Promise<string[]> {
  const look = async (what: string, argv: readonly [string, ...string[]]) => {
    try {
      const { stdout, stderr } = await run(argv, { timeoutMs: LIMIT_MS });
      return [
        `${what}:`,
        ...(stdout || stderr)
          .trimEnd()
          .split("\n")
          .map((line) => `    ${line}`),
      ];
    } catch (error) {
      return [`${what}: ${(error as Error).message}`];
    }
  };
  const units = ["tandem-agent", "etcd", "etcd-transient"];
  return [
    ...(await look("units", [
      "systemctl",
      "--no-pager",
      "--plain",
      "--no-legend",
      "list-units",
      "--all",
      ...units.map((unit) => `${unit}.service`),
    ])),
    ...(await look("DRBD", ["drbdsetup", "events2", "--now", "etcd-t"])),
    ...(await look("door", ["/usr/local/lib/tandem/door.sh", "status"])),
    "not known without the agent: who leads, the claim, the witness, the sibling, what the site survives",
  ];
}

/** For a person; every line says one thing. */
export function describe(report: StatusReport): string {
  const { local, witness, survives } = report;
  const { volume } = local;
  const sibling = report.siblingSays;
  const rows: [string, string][] = [
    ["site", `${report.site}, seen from ${report.node}`],
    ["T runs on", report.runsT ?? (sibling === null ? "not here; the sibling is not known" : "neither node")],
    ["leader", report.memberHealthy ? report.leader : `unknown: the etcd member of ${report.node} knows none`],
    ["volume", `${volume.role}, ${volume.disk}${volume.frozen ? ", FROZEN" : ""}${local.mounted ? ", mounted" : ""}`],
    [
      "connection",
      `${volume.connection}${volume.sync === "none" ? "" : `, resync ${volume.sync}`}, peer disk ${volume.peerDisk}`,
    ],
    ["generation", `${volume.gen ?? "none"}${volume.left === null ? "" : `, left ${volume.left}`}`],
    ["claim", witness.claim],
    ["witness", witnessLine(witness)],
    ["door", local.door],
    ["armed", local.disarmed.length === 0 ? "yes" : "no: waits for the sibling to confirm the resync"],
    ["sibling", `${report.sibling}: packets ${report.link}, agent ${sibling === null ? "does not answer" : "answers"}`],
  ];
  if (report.waiver === "held")
    rows.push([
      "waiver",
      `${report.sibling} has promised to wait for ${report.node}, because the witness did not answer`,
    ]);
  if (report.waiver === "given")
    rows.push([
      "waiver",
      `${report.node} has promised to wait for ${report.sibling}, because the witness did not answer`,
    ]);
  if (report.outOfService) rows.push(["out-of-service taint", report.outOfService]);
  if (local.tOutdated)
    rows.push(["T's settings", "changed: it starts again with them while both regular members are healthy"]);
  if (report.doing !== null) rows.push(["doing", report.doing]);
  if (report.waits !== null) rows.push(["waits", report.waits]);
  rows.push(["survives the loss of", ""]);
  rows.push(["  node one", survival(survives.nodeOne)]);
  rows.push(["  node two", survival(survives.nodeTwo)]);
  rows.push(["  witness", survival(survives.witness)]);
  return rows
    .map(([name, value]) => `${name.padEnd(22)}${value}`.trimEnd())
    .join("\n")
    .concat("\n");
}

function witnessLine({ shows, adopted }: StatusReport["witness"]): string {
  if (shows === null) return "does not answer";
  return shows === adopted ? "answers" : "answers with a new tree that is not adopted yet";
}

const survival = ({ yes, why }: Survival): string => (yes ? "yes" : `NO: ${why}`);
