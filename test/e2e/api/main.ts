/**
 * A client of a site's API, a process of its own: settings as one line of JSON on standard input, whose end is the sign to stop;
 * on standard output one line of JSON per acknowledged write and per watch event.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { nowNs } from "../load/operation.ts";
import { type Access, ApiClient, ApiError } from "./client.ts";

/** `n` counts the writes, acknowledged or not; the watch shows it again. Times by the monotonic clock, in ns. */
export type Line =
  | { kind: "write"; n: number; invokeNs: number; returnNs: number; server: string }
  | { kind: "event"; n: number; revision: string; returnNs: number }
  | { kind: "watch-lost"; reason: string; returnNs: number };

const path = "/api/v1/namespaces/default/configmaps";
const name = "tandem-load";
const betweenWritesMs = 40;
/** A client that asks anew after so long finds the other node soon. */
const callLimitMs = 500;
const silenceMs = 1500;
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

async function watch(client: ApiClient, from: string, end: AbortSignal): Promise<void> {
  let revision = from;
  while (!end.aborted) {
    const query = `watch=1&fieldSelector=metadata.name%3D${name}&resourceVersion=${revision}&allowWatchBookmarks=true`;
    await client.watch(
      `${path}?${query}`,
      silenceMs,
      ({ type, object }) => {
        if (type === "ERROR") {
          tell({ kind: "watch-lost", reason: `${object.code}: ${object.message}`, returnNs: nowNs() });
          return;
        }
        revision = object.metadata.resourceVersion;
        if (type === "BOOKMARK") return;
        seen = Number(object.data?.n);
        tell({ kind: "event", n: seen, revision, returnNs: nowNs() });
      },
      end,
    );
    await sleep(50);
  }
}

const [writer, watcher] = [new ApiClient(access), new ApiClient(access)];
const watching = new AbortController();
const revision = await first(writer);
const watched = watch(watcher, revision, watching.signal);
await write(writer);
for (const deadline = Date.now() + lastEventLimitMs; seen < acknowledged && Date.now() < deadline; ) await sleep(50);
watching.abort();
await watched;
writer.close();
watcher.close();
