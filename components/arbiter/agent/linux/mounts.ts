import { readFileSync } from "node:fs";
import { MOUNTPOINT } from "../paths.ts";

/**
 * The device, as `major:minor`, of the file system at T's place, as this mount namespace sees it: the unit has none of its
 * own. Undefined if none is mounted there.
 * @param root stands for `/`; empty on a node
 */
export function mountedDevice(root = ""): string | undefined {
  const mounts = readFileSync(`${root}/proc/self/mountinfo`, "utf8").split("\n");
  // A later mount covers an earlier one.
  return mounts.map((line) => line.split(" ")).findLast((fields) => fields[4] === MOUNTPOINT)?.[2];
}

/** Whether T's file system, or another, is mounted at its place. @param root as of {@link mountedDevice} */
export function isMounted(root = ""): boolean {
  return mountedDevice(root) !== undefined;
}
