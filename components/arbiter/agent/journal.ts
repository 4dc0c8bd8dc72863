import { writeSync } from "node:fs";

/** Priority prefixes that systemd takes from the start of a line. */
const PREFIX = { alarm: "<1>", warning: "<4>", notice: "<5>", info: "<6>" } as const;

export type Level = keyof typeof PREFIX;

/** One line in the journal. Written at once: the next line of code may be the one that resets the machine. */
export function say(level: Level, line: string): void {
  try {
    writeSync(1, `${PREFIX[level]}${line.replaceAll("\n", " ")}\n`);
  } catch {
    // A journal that does not take the line is no reason to stop deciding.
  }
}

const QUIET_MS = 10_000;
const saidAt = new Map<string, number>();

/**
 * The same, but for what would come several times a second while something is away: again only after ten seconds.
 * @param what makes two lines the same; without it the line itself
 */
export function sayOnce(level: Level, line: string, what = line): void {
  const now = performance.now();
  for (const [known, at] of saidAt) if (now - at >= QUIET_MS) saidAt.delete(known);
  if (saidAt.has(what)) return;
  saidAt.set(what, now);
  say(level, line);
}

let suspectedAt: number | null = null;

/** A loss is suspected: from here the marks count, until {@link marksEnd}. The first caller wins. */
export function marksBegin(): void {
  suspectedAt ??= performance.now();
}

export function marksEnd(): void {
  suspectedAt = null;
}

/** One step of a takeover in the journal, in ms since the loss was suspected; nothing outside a takeover. */
export function mark(name: string): void {
  if (suspectedAt === null) return;
  say("info", `tandem-mark name=${name} ms=${Math.round(performance.now() - suspectedAt)}`);
}
