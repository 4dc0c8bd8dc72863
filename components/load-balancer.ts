import * as pulumi from "@pulumi/pulumi";
import { ASIDE_PORT } from "./arbiter/agent/paths.ts";
import type { FileSet, UserSpec } from "./cli/apply/bundle-type.ts";
import { addressTimes, type KubernetesTimes } from "./config/kubernetes-timing.ts";
import type { NodeConfig } from "./config/site-config.ts";
import type { Host } from "./host.ts";
import { apiServerPort } from "./kubernetes/paths.ts";
import { certificateVersions, pkiFileSet } from "./pki/file-set.ts";
import type { Credential } from "./pki/issuer.ts";
import { certificateFile, credentialFiles, type PkiFiles } from "./pki/site-pki.ts";
import { render } from "./render.ts";

export interface LoadBalancerArgs {
  /** Perhaps the witness's machine; other sites may share it. */
  readonly host: Host;
  readonly plan: LoadBalancerPlan;
  /** What verifies the API servers, as PEM. */
  readonly trustPem: pulumi.Output<string>;
  /** What the probe shows, unless it {@link LoadBalancerPlan.probe asks without a name}. */
  readonly credential: Credential | undefined;
}

export interface LoadBalancerPlan {
  readonly site: string;
  /** Node one, then node two. */
  readonly nodes: readonly [Pick<NodeConfig, "name" | "frontend">, Pick<NodeConfig, "name" | "frontend">];
  readonly port: number;
  readonly times: Pick<KubernetesTimes, "unansweredAfter">;
  /**
   * `certificate`: an API server is asked whether it is ready. `nameless`: it refuses whoever asks, which tells that it lives, and no
   * more.
   */
  readonly probe: "certificate" | "nameless";
  /** Each node's agent tells whether its node stands aside. */
  readonly isToldAside: boolean;
}

const balancerUser: UserSpec = { name: "tandem-balancer", id: 6444, home: "/nonexistent" };

/** The way to the API over a machine in front of both nodes. */
export class LoadBalancer extends pulumi.ComponentResource {
  readonly ready: readonly pulumi.Resource[];

  constructor(
    name: string,
    { host, plan, trustPem, credential }: LoadBalancerArgs,
    opts: pulumi.ComponentResourceOptions,
  ) {
    super("tandem:address:LoadBalancer", name, {}, opts);
    const folder = pkiFolder(plan.site);
    const owner = `${balancerUser.name}:${balancerUser.name}`;
    const pki: PkiFiles = {
      [`${folder}/api-ca.crt`]: certificateFile(trustPem),
      ...(credential === undefined ? {} : credentialFiles(`${folder}/probe`, credential, owner)),
    };
    // Named after the site: the records on a shared machine must not meet.
    const component = `balancer-${plan.site}`;
    const keys = host.push(component, pkiFileSet(pki, { users: [balancerUser] }), { parent: this, secret: true });
    const files = certificateVersions(pki).apply((versions) => ({ ...loadBalancerFiles(plan), versions }));
    this.ready = [host.push(component, files, { parent: this, dependsOn: [keys] })];
    this.registerOutputs();
  }
}

/** Everything but certificates and keys; pure. */
export function loadBalancerFiles({ site, nodes, port, times, probe, isToldAside }: LoadBalancerPlan): FileSet {
  const folder = pkiFolder(site);
  const config = `/etc/haproxy/tandem-${site}.cfg`;
  const unit = `tandem-balancer-${site}.service`;
  const unitPath = `/etc/systemd/system/${unit}`;
  const certificate = probe === "certificate";
  const { connectLimitMs, answerLimitMs, probeIntervalMs, repeatIntervalMs, aliveAfter } = addressTimes;
  return {
    users: [balancerUser],
    // curl looks at last whether an API server answers.
    packages: ["haproxy", "curl"],
    files: {
      [config]: {
        mode: "0644",
        content: render("etc/haproxy/haproxy.cfg.hbs", {
          site,
          port,
          folder,
          certificate,
          expected: certificate ? "200" : "200,401",
          asidePort: isToldAside ? ASIDE_PORT : 0,
          apiServerPort,
          ...{ connectLimitMs, answerLimitMs, probeIntervalMs, repeatIntervalMs, aliveAfter },
          unansweredAfter: times.unansweredAfter,
          nodes: nodes.map(({ name, frontend }) => ({ name, frontend })),
        }),
        check: "haproxy",
      },
      [unitPath]: {
        mode: "0644",
        content: render("etc/systemd/system/tandem-balancer.service.hbs", { site, config, user: balancerUser.name }),
        check: "unit",
      },
    },
    units: [
      {
        name: unit,
        enable: true,
        state: "started",
        restartOn: [unitPath],
        // A reload keeps the sessions.
        reloadOn: [
          config,
          `${folder}/api-ca.crt`,
          ...(certificate ? [`${folder}/probe.crt`, `${folder}/probe.key`] : []),
        ],
      },
    ],
    prove: [
      { kind: "active", unit, withinSeconds: 20 },
      {
        kind: "succeeds",
        command: ["curl", ...look(folder, certificate), `https://localhost:${port}/readyz`],
        withinSeconds: 30,
      },
    ],
  };
}

/** Asks through the balancer what it asks itself. */
function look(folder: string, certificate: boolean): string[] {
  const shown = ["--fail", "--cert", `${folder}/probe.crt`, "--key", `${folder}/probe.key`];
  const quietly = [
    "--disable",
    "--noproxy",
    "*",
    "--silent",
    "--show-error",
    "--output",
    "/dev/null",
    "--max-time",
    "5",
  ];
  return [...quietly, "--cacert", `${folder}/api-ca.crt`, ...(certificate ? shown : [])];
}

function pkiFolder(site: string): string {
  return `/etc/tandem-balancer/${site}`;
}
