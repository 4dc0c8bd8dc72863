import { readFile } from "node:fs/promises";
import { at, type Machine } from "./apply/machine.ts";

/** Version of the DRBD module in the kernel, like `8.4.11`; empty while none is loaded. */
export async function loadedDrbd(machine: Machine): Promise<string> {
  const version = await readFile(at(machine, "/sys/module/drbd/version"), "utf8").catch(() => "");
  return version.trim();
}
