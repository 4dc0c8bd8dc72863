/** Prints what a long job is doing: one line per step, with its elapsed time, and a sign of life in between. */

const heartbeatMs = 10_000;

/** `note` replaces the detail that heartbeats show, e.g. the last line of a build. */
export type Note = (detail: string) => void;

export function seconds(sinceMs: number): string {
  return `${((Date.now() - sinceMs) / 1000).toFixed(1)} s`;
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Runs `work`, printing its title and time; a failure is marked and thrown on. */
export async function step<T>(title: string, work: (note: Note) => Promise<T>): Promise<T> {
  const startedAt = Date.now();
  const tty = process.stderr.isTTY;
  let detail = "";
  const show = () => {
    const text = `… ${title} (${seconds(startedAt)})${detail && `: ${detail}`}`;
    if (tty) process.stderr.write(`\r\x1b[K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`);
    else say(text);
  };
  if (tty) show();
  const heartbeat = setInterval(show, tty ? 1000 : heartbeatMs);
  const end = (mark: string) => say(`${tty ? "\r\x1b[K" : ""}${mark} ${title} (${seconds(startedAt)})`);
  try {
    const result = await work((next) => {
      detail = next.trim();
    });
    end("✓");
    return result;
  } catch (error) {
    end("✗");
    throw error;
  } finally {
    clearInterval(heartbeat);
  }
}
