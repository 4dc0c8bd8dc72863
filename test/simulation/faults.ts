import { deliver, nodeName, type Setup, stopAgent } from "./agent.ts";
import { crash } from "./drbd.ts";
import type { Add } from "./moves.ts";
import { restart } from "./witness.ts";
import { linked, SIDES, type SimWorld } from "./world.ts";

function cutBackend(w: SimWorld): void {
  w.backend = false;
  w.session = false;
}

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
    if (node.agent?.heard === true && linked(w)) {
      add("fault", `${name}: the sibling seems silent`, (x) => {
        x.nodes[side].misheard = true;
        deliver(x, side, { kind: "link", heard: false }, setup);
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
