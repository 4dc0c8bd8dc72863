import { readFileSync } from "node:fs";
import { boolean, type Check, exact, integer, Misfit, nullable, oneOf, text } from "./check.ts";
import type { CoreSettings } from "./world.ts";

/** /etc/tandem/settings.json: what differs from node to node and from site to site; everything else is in paths.ts. */
export interface AgentSettings {
  core: CoreSettings;
  /** IPv4 addresses of this node and of its sibling. */
  own: Addresses;
  peer: Addresses;
  drbd: DrbdSettings;
  witness: WitnessSettings;
  detector: DetectorSettings;
  /** A load balancer asks this node whether it stands aside. */
  tellsBalancer: boolean;
  /** How to reach the API server of this node, for the out-of-service taint; null where none is kept. */
  kubernetes: KubernetesSettings | null;
}

export interface KubernetesSettings {
  /** TCP port on loopback. */
  port: number;
  /** Files with the authority behind its certificate, and with this node's own and its key; they come after the agent. */
  ca: string;
  certificate: string;
  key: string;
  /** User in whose name the owner of a certificate with more rights asks; null asks in its own. */
  impersonate: string | null;
}

export interface Addresses {
  frontend: string;
  backend: string;
}

export interface DrbdSettings {
  /** Of /dev/drbd<minor>. */
  minor: number;
  /** TCP port on the backend. */
  port: number;
}

export interface WitnessSettings {
  /** `https://host:port`, perhaps with a path under which the site's folder lies; no trailing slash. */
  url: string;
  /** Name asked for in TLS and in the Host header; null asks for the host of the url. */
  servername: string | null;
  /** File under /etc/tandem/pki with the authority behind the witness's certificate. */
  ca: string;
}

export interface DetectorSettings {
  pingIntervalMs: number;
  /** Without a packet of the sibling for this long, loss is suspected. */
  silenceMs: number;
  /** Pings that must all stay unanswered before a suspicion is a loss. */
  probes: number;
  probeIntervalMs: number;
}

const label = text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a host name label");
const ipv4 = text(/^(\d{1,3}\.){3}\d{1,3}$/, "an IPv4 address");
const span = integer(0, 3_600_000);
const file = text(/^\/[\w./-]+$/, "an absolute path");
const addresses: Check<Addresses> = exact<Addresses>({ frontend: ipv4, backend: ipv4 });

const settings: Check<AgentSettings> = exact<AgentSettings>({
  core: exact<CoreSettings>({
    site: label,
    node: label,
    sibling: label,
    index: oneOf(0, 1),
    leader: oneOf("opposite", "node-one"),
    waitOffsetMs: span,
    bootOffsetMs: span,
    readHoldOffMs: span,
    killLimitMs: span,
  }),
  own: addresses,
  peer: addresses,
  drbd: exact<DrbdSettings>({ minor: integer(0, 255), port: integer(1, 65_535) }),
  witness: exact<WitnessSettings>({
    url: text(/^https:\/\/[^/\s]+(\/[^\s]*[^/\s])?$/, "an https URL without a trailing slash"),
    servername: nullable(text(/^[a-z0-9.-]{1,253}$/, "a host name, or null")),
    ca: text(/^[a-z0-9.-]+$/, "a file name"),
  }),
  detector: exact<DetectorSettings>({
    pingIntervalMs: integer(20, 1000),
    silenceMs: integer(100, 60_000),
    probes: integer(1, 10),
    probeIntervalMs: integer(10, 1000),
  }),
  tellsBalancer: boolean,
  kubernetes: nullable(
    exact<KubernetesSettings>({
      port: integer(1, 65_535),
      ca: file,
      certificate: file,
      key: file,
      impersonate: nullable(text(/^[a-z][a-z0-9:-]*$/, "a user's name, or null")),
    }),
  ),
});

/** @throws Misfit naming the property, what it is and what is allowed */
export function parseSettings(json: string): AgentSettings {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new Misfit(`not JSON: ${(error as Error).message}`);
  }
  const parsed = settings(value, "");
  if (parsed.detector.silenceMs < 3 * parsed.detector.pingIntervalMs) {
    throw new Misfit(
      `detector.silenceMs is ${parsed.detector.silenceMs}; allowed is three times detector.pingIntervalMs ` +
        `(${3 * parsed.detector.pingIntervalMs}) or more, so that a suspicion takes more than one lost packet`,
    );
  }
  return parsed;
}

/** @throws Error naming the file as well */
export function readSettings(path: string): AgentSettings {
  try {
    return parseSettings(readFileSync(path, "utf8"));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}; it is written by \`pulumi up\`, run that again`);
  }
}
