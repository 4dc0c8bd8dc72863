import { createSocket } from "node:dgram";
import { networkInterfaces } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "../process.ts";
import type { ApiAddressExpectations, ApiAddressFacts } from "./expectations.ts";

const TOOL_LIMIT_MS = 15_000;
/** The kernel asks three times, a second apart, before it gives up. */
const ARP_MS = 3_500;
/** Nobody listens there; only the question for the hardware address matters. */
const DISCARD_PORT = 9;

/** Looks where the frontend is, and who answers for the address of the API; changes nothing. */
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
  await Promise.all([vip, sibling].map(ask));
  await sleep(ARP_MS);
  const [found, expected] = await Promise.all([vip, sibling].map(hardwareAddress));
  if (found === undefined) return null;
  return found === expected ? "the sibling" : found;
}

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

async function hardwareAddress(address: string): Promise<string | undefined> {
  const { stdout } = await run(["ip", "-json", "neighbour", "show", "to", address], { timeoutMs: TOOL_LIMIT_MS });
  const entries = JSON.parse(stdout || "[]") as { lladdr?: string; state?: readonly string[] }[];
  return entries.find(({ state = [] }) => !state.includes("FAILED") && !state.includes("INCOMPLETE"))?.lladdr;
}
