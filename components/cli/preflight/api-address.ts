import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { type Argv, lastLines, run } from "../process.ts";
import { Failure } from "../verb.ts";
import type { ApiAddressExpectations, ApiAddressFacts } from "./expectations.ts";

const TOOL_LIMIT_MS = 15_000;
/** The kernel asks three times, a second apart, and says then that it has given up. */
const ARP_LIMIT_MS = 10_000;
const LOOK_EVERY_MS = 100;
/** Nobody listens there; only the question for the hardware address matters. */
const DISCARD_PORT = 9;

/** Looks where the frontend is, and who answers for the address of the API; changes nothing but what the kernel remembers of that. */
export async function gatherApiAddress(wanted: ApiAddressExpectations): Promise<ApiAddressFacts> {
  const interfaces = Object.entries(networkInterfaces()).map(([name, entries = []]) => ({
    name,
    addresses: entries.map(({ address }) => address),
  }));
  const carrierOf = (address: string) => interfaces.find(({ addresses }) => addresses.includes(address))?.name ?? null;
  const own = carrierOf(wanted.vip) !== null;
  return {
    frontendInterface: carrierOf(wanted.frontend),
    holder: own ? "this node" : await remoteHolder(wanted),
  };
}

async function remoteHolder({ vip, sibling }: ApiAddressExpectations): Promise<string | null> {
  const [found, expected] = await Promise.all([vip, sibling].map(whoHas));
  if (found === undefined) return null;
  return found === expected ? "the sibling" : found;
}

/** @returns the hardware address that answers for an address just now; undefined if none does */
async function whoHas(address: string): Promise<string | undefined> {
  // What the kernel remembers may have left the network long ago, and it would believe it for many seconds.
  await tool(["ip", "neighbour", "flush", "to", address]);
  await ask(address);
  for (const began = performance.now(); performance.now() - began < ARP_LIMIT_MS; await sleep(LOOK_EVERY_MS)) {
    const found = await neighbour(address);
    // Nothing to ask for: no network of this machine's has the address.
    if (found === undefined || found.state.includes("FAILED")) return undefined;
    if (!found.state.includes("INCOMPLETE")) return found.lladdr;
  }
  return undefined;
}

/** Makes the kernel ask for the hardware address. */
function ask(address: string): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    // No route: then nobody there has the address either.
    socket.once("error", () => resolve());
    socket.send("", DISCARD_PORT, address, () => {
      socket.close();
      resolve();
    });
  });
}

interface Neighbour {
  readonly lladdr?: string;
  readonly state: readonly string[];
}

async function neighbour(address: string): Promise<Neighbour | undefined> {
  const stdout = await tool(["ip", "-json", "neighbour", "show", "to", address]);
  return (JSON.parse(stdout || "[]") as Neighbour[])[0];
}

async function tool(argv: Argv): Promise<string> {
  const { code, stdout, stderr } = await run(argv, { timeoutMs: TOOL_LIMIT_MS });
  if (code !== 0) throw new Failure(`${argv.join(" ")} failed${lastLines(stderr)}`);
  return stdout;
}
