import { renameSync, writeFileSync } from "node:fs";
import { sayOnce } from "../journal.ts";

/**
 * A file that tells other programs of this node, by `1`, that the sibling goes on and this node does not; else it holds `0`.
 * keepalived watches it, and gives the address of the API to the node whose etcd has the quorum.
 */
export class AsideMark {
  readonly #path: string;
  #written: boolean | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** What cannot be written now is tried again with the next event: a hint for others is no reason to stop deciding. */
  set(aside: boolean): void {
    if (aside === this.#written) return;
    try {
      writeFileSync(`${this.#path}.new`, aside ? "1\n" : "0\n", { mode: 0o644 });
      renameSync(`${this.#path}.new`, this.#path);
      this.#written = aside;
    } catch (error) {
      sayOnce("warning", `keepalived is not told whether this node stands aside: ${(error as Error).message}`);
    }
  }
}
