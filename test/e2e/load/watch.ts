import type { History } from "./history.ts";
import type { Operation, WatchMessage } from "./operation.ts";
import { logKey, pairKeys, registerKey } from "./operation.ts";

/** What watches may not do, each as one sentence: skip, repeat or reorder changes, or tell of others than the store made. */
export function watchViolations({ operations, watched }: Pick<History, "operations" | "watched">): string[] {
  const all = new Map<string, Change>();
  const problems: string[] = [];
  for (const change of changesOf(watched)) {
    const known = all.get(nameOf(change));
    if (known && known.value !== change.value)
      problems.push(`${told(change)}, and ${known.endpoint} of the value ${known.value} in its place`);
    all.set(nameOf(change), known ?? change);
  }
  for (const one of operations) {
    if (one.outcome !== "ok" || one.revision === undefined) continue;
    for (const [key, value] of writesOf(one)) {
      const change = { endpoint: one.endpoint, revision: one.revision, key, value };
      const known = all.get(nameOf(change));
      if (known && known.value !== value) problems.push(`${told(known)}, where ${one.endpoint} wrote ${value}`);
      all.set(nameOf(change), known ?? change);
    }
  }
  const inOrder = [...all.values()].sort((a, b) => a.revision - b.revision);
  for (const endpoint of new Set(watched.map((message) => message.endpoint)))
    problems.push(...problemsOf(endpoint, changesOf(watched.filter((one) => one.endpoint === endpoint)), inOrder));
  return problems;
}

/** Endpoints whose watch had not told of the last change when the history ended. */
export function lateWatches({ operations, watched, closing }: History): string[] {
  const newest = new Map(operations.map(({ endpoint }) => [endpoint, 0]));
  for (const { endpoint, revision } of changesOf(watched))
    newest.set(endpoint, Math.max(newest.get(endpoint) ?? 0, revision));
  return [...newest].filter(([, revision]) => revision < closing.lastChange).map(([endpoint]) => endpoint);
}

interface Change {
  endpoint: string;
  revision: number;
  key: string;
  value: string;
}

function changesOf(watched: readonly WatchMessage[]): Change[] {
  return watched.flatMap(({ endpoint, events }) => events.map((event) => ({ endpoint, ...event })));
}

function nameOf({ revision, key }: Change): string {
  return `${revision} ${key}`;
}

function told({ endpoint, revision, key, value }: Change): string {
  return `the watch through ${endpoint} told of ${key} = ${value} at revision ${revision}`;
}

/** @param inOrder every change that is known of, by revision */
function problemsOf(endpoint: string, changes: readonly Change[], inOrder: readonly Change[]): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  let newest = 0;
  for (const change of changes) {
    if (seen.has(nameOf(change))) problems.push(`${told(change)} twice`);
    else if (change.revision < newest) problems.push(`${told(change)} after revision ${newest}`);
    seen.add(nameOf(change));
    newest = Math.max(newest, change.revision);
  }
  const missed = inOrder.filter((change) => change.revision <= newest && !seen.has(nameOf(change)));
  for (const { key, revision } of missed)
    problems.push(`the watch through ${endpoint} skipped ${key} at revision ${revision}`);
  return problems;
}

function writesOf(one: Operation): [key: string, value: string][] {
  if (one.kind === "put") return [[logKey(one.endpoint, one.sequence), String(one.sequence)]];
  if (one.kind === "cas") return [[registerKey, one.value]];
  return one.kind === "swap" ? pairKeys.map((key) => [key, one.value]) : [];
}
