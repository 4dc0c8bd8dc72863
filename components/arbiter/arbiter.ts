import * as pulumi from "@pulumi/pulumi";
import { bundle } from "../bundle.ts";
import type { FileSet } from "../cli/apply/bundle-type.ts";
import type { NodeConfig, WitnessedSite } from "../config/site-config.ts";
import { detection } from "../config/timing.ts";
import type { Host } from "../host.ts";
import { agentAccess } from "../kubernetes/agent-access.ts";
import { certificateVersions } from "../pki/file-set.ts";
import type { PkiFiles } from "../pki/site-pki.ts";
import { readTemplate } from "../render.ts";
import { witnessAddress } from "../witness.ts";
import type { AgentSettings } from "./agent/settings.ts";

export interface ArbiterArgs {
  /** Node one, then node two. */
  readonly hosts: readonly [Host, Host];
  readonly pki: readonly [PkiFiles, PkiFiles];
  readonly config: AgentConfig;
}

export type AgentConfig = Pick<WitnessedSite<unknown>, "kubernetes"> &
  Pick<WitnessedSite, "name" | "nodes" | "witness" | "datastore">;

/**
 * How long a node that has booted waits for its sibling before it goes on alone: machines that get their power back together
 * need no claim and no resync. Node two waits longer, so that node one comes first.
 */
const bootOffsetMs = [3000, 6000] as const;

const unit = "tandem-agent.service";
const settingsPath = "/etc/tandem/settings.json";
const program = "/usr/local/lib/tandem/agent.mjs";

/** The agent on both nodes. Node two's is changed first; node one's only after the pair is whole again. */
export class Arbiter extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(name: string, { hosts, pki, config }: ArbiterArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:arbiter:Arbiter", name, {}, opts);
    const text = bundle("arbiter/agent/main.ts");
    const install = (index: 0 | 1, dependsOn: pulumi.Resource[]) => {
      const files = certificateVersions(pki[index]).apply((versions) => ({
        ...agentFiles(config, index, text),
        versions,
      }));
      return hosts[index].push("agent", files, { parent: this, dependsOn });
    };
    const two = install(1, []);
    const one = install(0, [two]);
    this.ready = [one, two];
    this.registerOutputs();
  }
}

/** Everything of the agent on one node; pure. */
export function agentFiles(config: AgentConfig, index: 0 | 1, text: string): FileSet {
  return {
    packages: ["iputils-ping"],
    files: {
      [program]: { mode: "0644", content: text },
      [settingsPath]: {
        mode: "0644",
        content: `${JSON.stringify(agentSettings(config, index), null, 2)}\n`,
        check: "json",
      },
      [`/etc/systemd/system/${unit}`]: {
        mode: "0644",
        content: readTemplate(`etc/systemd/system/${unit}`),
        check: "unit",
      },
    },
    units: [
      {
        name: unit,
        enable: true,
        state: "started",
        restartOn: [
          program,
          settingsPath,
          `/etc/systemd/system/${unit}`,
          ...credentials.map((file) => `/etc/tandem/pki/${file}`),
        ],
        gate: "protected",
      },
    ],
    prove: [{ kind: "active", unit, withinSeconds: 20 }],
  };
}

const credentials = [
  ...["site-ca.crt", "witness-ca.crt", "etcd-ca.crt"],
  ...["agent", "witness-client", "etcd-client"].flatMap((name) => [`${name}.crt`, `${name}.key`]),
];

export function agentSettings(config: AgentConfig, index: 0 | 1): AgentSettings {
  const { name, nodes, witness, datastore, kubernetes } = config;
  const address = witnessAddress(config, index);
  const own = nodes[index];
  const peer = nodes[index === 0 ? 1 : 0];
  return {
    core: {
      site: name,
      node: own.name,
      sibling: peer.name,
      index,
      leader: datastore.leader,
      waitOffsetMs: index === 0 ? 0 : witness.waitOffsetMs,
      bootOffsetMs: bootOffsetMs[index],
      readHoldOffMs: datastore.readHoldOffMs,
      killLimitMs: datastore.killLimitMs,
    },
    own: addresses(own),
    peer: addresses(peer),
    drbd: { minor: datastore.drbd.minor, port: datastore.drbd.port },
    witness: { url: address.url, servername: address.servername, ca: "witness-ca.crt" },
    detector: {
      pingIntervalMs: detection.pingIntervalMs,
      silenceMs: datastore.silenceMs,
      probes: detection.probes,
      probeIntervalMs: detection.probeTimeoutMs,
    },
    tellsBalancer: kubernetes.distribution !== "none" && kubernetes.endpoint.kind === "load-balancer",
    kubernetes: agentAccess(kubernetes),
  };
}

function addresses({ frontend, backend }: NodeConfig) {
  return { frontend, backend };
}
