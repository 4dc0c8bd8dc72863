import { lstatSync, readFileSync } from "node:fs";
import { T_SETTINGS, T_STARTED_WITH } from "../paths.ts";

/** Whether a T that runs was started with other settings than there are now; no, where it is not known. */
export function areOutdated(settings = T_SETTINGS, startedWith = T_STARTED_WITH): boolean {
  const [now, then] = [read(settings), read(startedWith)];
  return now !== null && then !== null && now !== then;
}

function read(path: string): string | null {
  try {
    // Reading a FIFO would wait.
    return lstatSync(path).isFile() ? readFileSync(path, "utf8") : null;
  } catch {
    return null;
  }
}
