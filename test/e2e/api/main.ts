/**
 * A client of a site's API, a process of its own: settings as one line of JSON on standard input, whose end is the sign to stop;
 * on standard output one line of JSON per acknowledged write and per watch event.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "../load/operation.ts";
import { type Access, ApiClient, ApiError, type WatchEvent } from "./client.ts";

/**
 * `n` counts the writes, acknowledged or not; the watch shows it again. Times in ns by the monotonic clock; those of leases in
 * ms since 1970, by the managers' own clocks, which the machines of a lab share. */
export type Line =
  | { kind: "write"; n: number; invokeNs: number; returnNs: number; server: string }
  | { kind: "event"; n: number; revision: string; returnNs: number }
  | { kind: "lease"; manager: string; holder: string; acquiredMs: number; renewedMs: number }
  | { kind: "watch-lost"; reason: string; returnNs: number };

const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";
const managers = ["kube-controller-manager", "kube-scheduler"];
const path = "/api/v1/namespaces/default/configmaps";
const name = "tandem-load";
const betweenWritesMs = 40;
/** A client that asks anew after so long finds the other node soon. */
const callLimitMs = 500;
const silenceMs = 1500;
/** A lease is renewed every two seconds. */
const leaseSilenceMs = 5000;
/** For the watch to tell of the last write. */
const lastEventLimitMs = 20_000;

const input = createInterface({ input: process.stdin });
const access = await new Promise<Access>((resolve) => input.once("line", (line) => resolve(JSON.parse(line))));
const stop = new AbortController();
input.once("close", () => stop.abort());

let acknowledged = 0;
let seen = 0;

function tell(line: Line): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function first(client: ApiClient): Promise<string> {
  const body = { metadata: { name }, data: { n: "0" } };
  for (;;) {
    try {
      await client.call("POST", path, body, 5000).catch((error) => {
        if (!(error instanceof ApiError && error.status === 409)) throw error;
      });
      const list = (await client.call("GET", `${path}/${name}`, undefined, 5000)) as {
        metadata: { resourceVersion: string };
      };
      return list.metadata.resourceVersion;
    } catch (error) {
      if (stop.signal.aborted) throw error;
      await sleep(200);
    }
  }
}

async function write(client: ApiClient): Promise<void> {
  for (let n = 1; !stop.signal.aborted; n++) {
    const invokeNs = nowNs();
    try {
      await client.call("PUT", `${path}/${name}`, { metadata: { name }, data: { n: String(n) } }, callLimitMs);
      acknowledged = n;
      tell({ kind: "write", n, invokeNs, returnNs: nowNs(), server: access.server });
      await sleep(betweenWritesMs);
    } catch {
      await sleep(20);
    }
  }
}

/** Watches from a revision on, again and again from where it was broken off. */
async function follow(
  client: ApiClient,
  { url, from, limitMs }: { url: string; from: string; limitMs: number },
  onEvent: (object: WatchEvent["object"]) => void,
  end: AbortSignal,
): Promise<void> {
  let revision = from;
  while (!end.aborted) {
    const onLine = ({ type, object }: WatchEvent) => {
      if (type === "ERROR") {
        tell({ kind: "watch-lost", reason: `${object.code}: ${object.message}`, returnNs: nowNs() });
        return;
      }
      revision = object.metadata.resourceVersion;
      if (type !== "BOOKMARK") onEvent(object);
    };
    await client.watch(`${url}&watch=1&resourceVersion=${revision}&allowWatchBookmarks=true`, limitMs, onLine, end);
    await sleep(50);
  }
}

function onWrite({ data, metadata }: WatchEvent["object"]): void {
  seen = Number(data?.n);
  tell({ kind: "event", n: seen, revision: metadata.resourceVersion, returnNs: nowNs() });
}

function onLease({ metadata, spec }: WatchEvent["object"]): void {
  if (!managers.includes(metadata.name)) return;
  const ms = (time?: string) => Date.parse(time ?? "");
  const { holderIdentity = "", acquireTime, renewTime } = spec ?? {};
  tell({
    kind: "lease",
    manager: metadata.name,
    holder: holderIdentity,
    acquiredMs: ms(acquireTime),
    renewedMs: ms(renewTime),
  });
}

const clients = [new ApiClient(access), new ApiClient(access), new ApiClient(access)] as const;
const [writer, watcher, leaseWatcher] = clients;
const watching = new AbortController();
const from = await first(writer);
const written = { url: `${path}?fieldSelector=metadata.name%3D${name}`, from, limitMs: silenceMs };
const watched = Promise.all([
  follow(watcher, written, onWrite, watching.signal),
  follow(leaseWatcher, { url: `${leases}?`, from, limitMs: leaseSilenceMs }, onLease, watching.signal),
]);
await write(writer);
for (const deadline = Date.now() + lastEventLimitMs; seen < acknowledged && Date.now() < deadline; ) await sleep(50);
watching.abort();
await watched;
for (const client of clients) client.close();
