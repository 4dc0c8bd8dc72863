import { execFileSync } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./process.ts";

export type Net = "frontend" | "backend";

const short: Record<Net, string> = { frontend: "fe", backend: "be" };
/** The lab host's own place on the frontend, the network from which a site is managed. */
export const hostAddress = "10.77.1.254";

/** Name of the switch's end of a guest's cable: a port of the bridge. */
function portName(guest: string, net: Net): string {
  return `${guest}-${short[net]}`;
}

/** Name of the guest's end of its cable, from which its kernel reads frames. */
export function cardName(guest: string, net: Net): string {
  return `${guest}.${short[net]}`;
}

/** A bridge per network, in a network namespace, with rules that drop frames between chosen pairs. */
export class Network {
  readonly namespace: string;

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  async create(): Promise<void> {
    await run(["ip", "netns", "add", this.namespace]);
    await this.ip("link", "set", "lo", "up");
    for (const net of ["frontend", "backend"] as const) {
      const bridge = `br-${short[net]}`;
      const switchLike = ["stp_state", "0", "forward_delay", "0", "mcast_snooping", "0"];
      await this.ip("link", "add", bridge, "type", "bridge", ...switchLike);
      await this.ip("link", "set", bridge, "up");
    }
    await this.ip("addr", "add", `${hostAddress}/24`, "dev", "br-fe");
    // Frames are dropped by the pair of cables that they pass, so each direction can be cut alone.
    const rules = `table bridge lab {
      set pairs { type ifname . ifname; }
      set from_host { type ifname; }
      set to_host { type ifname; }
      chain between { type filter hook forward priority 0; iifname . oifname @pairs drop; }
      chain host_in { type filter hook input priority 0; iifname @to_host drop; }
      chain host_out { type filter hook output priority 0; oifname @from_host drop; }
    }`;
    await this.exec(["nft", "-f", "-"], rules);
  }

  /**
   * A pair of cards, not a tap: a tap tells its reader by signal before it can be read, and a guest that looks at once
   * sleeps on a frame until the next one comes (one packet in fifty waited for TCP's 200 ms).
   */
  async addCable(guest: string, net: Net): Promise<void> {
    const [port, card] = [portName(guest, net), cardName(guest, net)];
    await this.ip("link", "add", port, "type", "veth", "peer", "name", card);
    await this.ip("link", "set", port, "master", `br-${short[net]}`, "up");
    // Its frames are the guest's alone: the namespace, which has an address on the same bridge, is not to answer them.
    await this.ip("link", "set", card, "arp", "off", "addrgenmode", "none", "up");
  }

  /** Adds to or takes from what is dropped on the way from one guest, or `host`, to another. */
  async setCut(verb: "add" | "delete", from: string, to: string, nets: readonly Net[]): Promise<void> {
    for (const net of nets) {
      const port = (guest: string) => `"${portName(guest, net)}"`;
      let element = `pairs { ${port(from)} . ${port(to)} }`;
      if (from === "host") element = `from_host { ${port(to)} }`;
      if (to === "host") element = `to_host { ${port(from)} }`;
      // "add" of what is there is no error, and after it neither is "delete".
      await this.exec(["nft", "-f", "-"], `add element bridge lab ${element}\n`);
      if (verb === "delete") await this.exec(["nft", "-f", "-"], `delete element bridge lab ${element}\n`);
    }
  }

  async healAll(): Promise<void> {
    const sets = ["pairs", "from_host", "to_host"].map((set) => `flush set bridge lab ${set}\n`);
    await this.exec(["nft", "-f", "-"], sets.join(""));
  }

  private ip(...args: string[]) {
    return run(["ip", "-n", this.namespace, ...args]);
  }

  private exec(argv: string[], input: string) {
    return run(["ip", "netns", "exec", this.namespace, ...argv], { input });
  }
}

/** Names of the network namespaces of all labs on this machine. */
export function labNamespaces(): string[] {
  const list = execFileSync("ip", ["netns", "list"], { encoding: "utf8" });
  return list
    .split("\n")
    .map((line) => line.split(" ")[0] as string)
    .filter((name) => name.startsWith("tandem-"));
}

/** Sends SIGKILL to everything that runs in a namespace, guests included. */
function killNamespace(namespace: string): number {
  const pids = execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" }).split("\n").filter(Boolean);
  for (const pid of pids) {
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It ended between the listing and the signal.
    }
  }
  return pids.length;
}

function deleteNamespace(namespace: string): void {
  execFileSync("ip", ["netns", "del", namespace]);
}

/** Kills everything in the namespace and removes it, for an exit handler: nothing else of this process runs meanwhile. */
export function destroyNamespaceNow(namespace: string): void {
  const deadline = Date.now() + 5_000;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  // Again, because a process that forked between the listing and the signal has left a child.
  while (killNamespace(namespace) > 0 && Date.now() < deadline) Atomics.wait(pause, 0, 0, 20);
  deleteNamespace(namespace);
}

/** Kills everything in the namespace, waits for its end and removes the namespace. */
export async function destroyNamespace(namespace: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (killNamespace(namespace) > 0 && Date.now() < deadline) await sleep(20);
  deleteNamespace(namespace);
}
