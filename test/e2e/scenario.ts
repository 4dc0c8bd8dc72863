import { test } from "vitest";
import { type GuestSpec, KUBERNETES_GUESTS, Lab, SITE_GUESTS } from "../lab/lab.ts";
import { say } from "../lab/progress.ts";
import type { Site as SiteConfig } from "../lab/stack.ts";
import { SafetyError } from "./load/load.ts";
import { Site } from "./site.ts";

/**
 * All scenarios of a run share one lab and, as soon as one needs it, one provisioned site: the run has a single process and
 * does not isolate its files. A scenario that fails costs the next one a new lab.
 */
let site: Site | undefined;
let provisioned = false;
let withKubernetes: WithKubernetes = false;

/** `balanced`: behind a load balancer on the witness's machine. */
type WithKubernetes = boolean | "balanced";

const minute = 60_000;
const attempts = 2;

/** On a provisioned and protected site. @param options.kubernetes one with Kubernetes */
export function scenario(
  title: string,
  body: (site: Site) => Promise<void>,
  { timeoutMs = 4 * minute, kubernetes = false }: { timeoutMs?: number; kubernetes?: WithKubernetes } = {},
): void {
  test(title, { timeout: attempts * (timeoutMs + 6 * minute) }, () =>
    told(async () => {
      if (withKubernetes !== kubernetes) await endSharedSite();
      const shared = await sharedSite(kubernetes);
      if (!provisioned) await shared.up();
      provisioned = true;
      await shared.untilAtHome();
      await body(shared);
    }),
  );
}

/** On machines as they come, before anything was applied. */
export function blankScenario(title: string, body: (site: Site) => Promise<void>, timeoutMs = 4 * minute): void {
  test(title, { timeout: attempts * (timeoutMs + 2 * minute) }, () =>
    told(async () => {
      if (provisioned || withKubernetes) await endSharedSite();
      await body(await sharedSite());
    }),
  );
}

/** On machines of its own, which end with it. @param options.kubernetes a Kubernetes release is at hand on them */
export function scenarioOn(
  guests: readonly GuestSpec[],
  title: string,
  body: (site: Site) => Promise<void>,
  { timeoutMs = 10 * minute, kubernetes = false } = {},
): void {
  test(title, { timeout: attempts * timeoutMs }, () =>
    told(async () => {
      await endSharedSite();
      site = await Site.prepare(await Lab.start({ name: "e2e", guests, kubernetes }));
      await body(site);
      await endSharedSite();
    }),
  );
}

/** For the scenario that makes the site. */
export function noteProvisioned(now: boolean): void {
  provisioned = now;
}

async function sharedSite(kubernetes: WithKubernetes = false): Promise<Site> {
  withKubernetes = kubernetes;
  if (site !== undefined) return site;
  const guests = kubernetes ? KUBERNETES_GUESTS : SITE_GUESTS;
  site = await Site.prepare(await Lab.start({ name: "e2e", guests, kubernetes: kubernetes !== false }));
  if (kubernetes === "balanced") await site.stack.change(balance);
  return site;
}

function balance(config: SiteConfig): void {
  const { vip, interface: name, ...kubernetes } = config.kubernetes;
  const { host, hostKey } = config.witness;
  config.kubernetes = { ...kubernetes, loadBalancer: { host, hostKey } };
}

async function endSharedSite(): Promise<void> {
  await site?.lab.stop();
  site = undefined;
  provisioned = false;
  withKubernetes = false;
}

/**
 * A failure tells the state of the site before the lab goes. Machines that share two processors with each other and with
 * whoever else is there miss a limit now and then, so a scenario has a second attempt, on a new lab; it is told. Data that
 * no correct store would show has none, nor has a state that a scenario found other than it must be.
 */
async function told(body: () => Promise<void>): Promise<void> {
  try {
    await attempt(body);
  } catch (error) {
    if (error instanceof SafetyError || (error as Error).name === "AssertionError") throw error;
    say("  once more, on a new lab");
    await attempt(body);
    say(`! passed at the second attempt only; the first: ${firstLine(error)}`);
  }
}

async function attempt(body: () => Promise<void>): Promise<void> {
  try {
    await body();
  } catch (error) {
    if (site && error instanceof Error && !error.message.includes("--- n1"))
      error.message += `\n${await site.diagnosis()}`;
    // Vitest tells at the end of the run, which may be a quarter of an hour away.
    say(`✗ ${(error as Error).message}`);
    await endSharedSite();
    throw error;
  }
}

function firstLine(error: unknown): string {
  return String(error instanceof Error ? error.message : error).split("\n", 1)[0] as string;
}
