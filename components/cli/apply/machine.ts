import { join } from "node:path";
import { type Argv, type Finished, type Limits, run } from "../process.ts";

/** The machine that a bundle is applied to. */
export interface Machine {
  /** Folder that stands for `/`; empty on a real node. */
  readonly root: string;
  run(argv: Argv, limits: Limits): Promise<Finished>;
  /** Called between any two changes; a test ends the program here. */
  step(): void;
}

export const thisMachine: Machine = { root: "", run, step() {} };

/** Where an absolute path of the bundle lies. */
export function at(machine: Machine, path: string): string {
  return machine.root === "" ? path : join(machine.root, path);
}
