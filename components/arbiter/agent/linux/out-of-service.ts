import { say } from "../journal.ts";
import { concerned, nodeChange } from "../out-of-service.ts";
import { connected, type State } from "../state.ts";
import type { NodeObjects } from "./node-objects.ts";

const ROUND_MS = 2000;

export interface Watched {
  readonly self: string;
  readonly sibling: string;
  readonly nodes: Pick<NodeObjects, "read" | "change">;
  /** As the agent decided last. */
  state(): State;
  /** The same after a new reading of the machine. */
  fresh(): Promise<State>;
}

/**
 * Keeps the out-of-service taint of the site's Node objects as `out-of-service.ts` says. Nothing is remembered: a round reads a Node, then
 * the agent's state, and writes at once. The agent never waits for it; what fails here is told, and tried again in the next round.
 */
export class OutOfServiceTaint {
  readonly #watched: Watched;
  readonly #roundMs: number;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Connected, and no Node has a mark: nothing is to be done before the nodes part again. */
  #settled = false;
  #report = "not looked at yet";
  #failure = "";

  constructor(watched: Watched, roundMs = ROUND_MS) {
    this.#watched = watched;
    this.#roundMs = roundMs;
    this.#wait();
  }

  /** For an operator. */
  get report(): string {
    return this.#failure === "" ? this.#report : `not known: ${this.#failure}`;
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #wait(): void {
    if (!this.#closed) this.#timer = setTimeout(() => void this.#look(), this.#roundMs);
  }

  async #look(): Promise<void> {
    let failure = "";
    try {
      await this.#round();
    } catch (error) {
      failure = (error as Error).message;
      if (failure !== this.#failure) say("warning", `the out-of-service taint is not looked after: ${failure}`);
    }
    this.#failure = failure;
    this.#wait();
  }

  async #round(): Promise<void> {
    const { self, sibling, state } = this.#watched;
    const together = connected(state());
    if (!together) this.#settled = false;
    if (!concerned(state())) {
      this.#report = `left to ${sibling}: this node does not go on`;
      return;
    }
    if (this.#settled) return;
    const marks = [];
    for (const name of [sibling, self]) marks.push(await this.#tend(name));
    const told = marks.filter((mark) => mark !== null);
    this.#settled = together && told.length === 0;
    this.#report = told.join("; ") || "no node is marked";
  }

  /** @returns the mark that its Node has afterwards, in words; null without one */
  async #tend(name: string): Promise<string | null> {
    const { nodes, state, fresh } = this.#watched;
    const node = await nodes.read(name);
    if (node === null) return null;
    // A change is asked for anew after the Node was read, and nothing comes between the answer and the request.
    const change = nodeChange(state(), node) && nodeChange(await fresh(), node);
    if (change === null) return node.markedBy === null ? null : `${name} is marked by ${node.markedBy}`;
    await nodes.change(name, change.patch);
    say("notice", `the out-of-service taint of ${name} is ${change.verb}: ${change.reason}`);
    return change.verb === "set" ? `${name} is marked by ${this.#watched.self}` : null;
  }
}
