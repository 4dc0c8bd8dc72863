import { readdirSync } from "node:fs";

/** Number of file descriptors that a process holds. */
export function openFiles(pid: number | "self" = "self"): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
