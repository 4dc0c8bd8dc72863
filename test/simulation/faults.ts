import { deliver, nodeName, type Setup, seen, stopAgent } from "./agent.ts";
import { crash, diskFails } from "./drbd.ts";
import type { Add, Move } from "./moves.ts";
import { restart } from "./witness.ts";
import { linked, SIDES, type SimWorld } from "./world.ts";

function cutBackend(w: SimWorld): void {
  w.backend = false;
  w.session = false;
}

/** Power, links, pauses of a machine, the witness away or new, and what the operator does about it: what the protocol is about. */
export const mainFault = (move: Move): boolean =>
  /^n[12](: the operator overrides| loses power| is paused)$|^(the backend is|backend and frontend are) cut$|^the witness (is down|restarts)$/.test(
    move.label,
  );

/** Everything that can break now. */
export function faults(w: SimWorld, setup: Setup, add: Add): void {
  if (w.backend) {
    add("fault", "the backend is cut", cutBackend);
    if (w.frontend) {
      add("fault", "backend and frontend are cut", (x) => {
        cutBackend(x);
        x.frontend = false;
      });
    }
  }
  for (const side of SIDES) {
    const node = w.nodes[side];
    const name = nodeName(side);
    if (!node.up) continue;
    add("fault", `${name} loses power`, (x) => crash(x, side));
    if (!node.cutOff) {
      add("fault", `${name}: the witness is out of reach`, (x) => {
        x.nodes[side].cutOff = true;
      });
    }
    if (node.agent !== null) add("fault", `${name}: the agent dies`, (x) => stopAgent(x, side, setup.twist));
    if (node.pause === "none") {
      add("fault", `${name} is paused`, (x) => {
        x.nodes[side].pause = "machine";
      });
      if (node.agent !== null) {
        add("fault", `${name}: the agent hangs`, (x) => {
          x.nodes[side].pause = "agent";
        });
      }
    }
    if (node.pause === "machine") continue;
    if (node.agent?.heard === true && linked(w)) {
      add("fault", `${name}: the sibling seems silent`, (x) => {
        x.nodes[side].misheard = true;
        deliver(x, side, { kind: "link", heard: false }, setup);
      });
    }
    if (node.door === "closed") {
      add("fault", `${name}: an outside hand opens the door`, (x) => {
        x.nodes[side].door = "open";
        x.nodes[side].doorForced = true;
      });
    }
    if (node.t === "running" && !node.tOutdated) {
      add("fault", `${name}: T's settings change`, (x) => {
        x.nodes[side].tOutdated = true;
      });
    }
    if ((node.disk === "UpToDate" || node.disk === "Consistent") && node.agent !== null && node.pause === "none") {
      // The agent notes it within milliseconds; docs/simulation.md says what happens to a node that dies in between.
      add("fault", `${name}: the disk fails`, (x) => {
        diskFails(x, side);
        deliver(x, side, { kind: "local", local: seen(x, side, setup) }, setup);
      });
    }
    if (node.t === "running" && !node.frozen) {
      add("fault", `${name}: T dies`, (x) => {
        x.nodes[side].t = "dead";
      });
    }
  }
  if (w.session) {
    add("fault", "DRBD's connection breaks", (x) => {
      x.session = false;
    });
  }
  if (w.witness.up)
    add("fault", "the witness is down", (x) => {
      x.witness.up = false;
    });
  add("fault", "the witness restarts", (x) => restart(x, setup.twist));
}
