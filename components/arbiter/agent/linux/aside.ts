import { renameSync, writeFileSync } from "node:fs";

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

  /** @throws if it cannot be written */
  set(aside: boolean): void {
    if (aside === this.#written) return;
    writeFileSync(`${this.#path}.new`, aside ? "1\n" : "0\n", { mode: 0o644 });
    renameSync(`${this.#path}.new`, this.#path);
    this.#written = aside;
  }
}
