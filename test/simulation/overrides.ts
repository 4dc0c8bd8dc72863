import { type Setup, startAgent, stopAgent } from "./agent.ts";
import { boot, crash } from "./drbd.ts";
import { play } from "./schedule.ts";
import { comesBack, goesOn } from "./site.ts";
import { GONE_ON, goneOn, overrides, splits, WAITING, waiting } from "./waiting.ts";
import { copy, type SimWorld } from "./world.ts";

const [TOGETHER_LOST] = WAITING.map(([, labels]) => labels);
const [WINNER_DIED] = GONE_ON.map(([, labels]) => labels);

const overridden = (labels: readonly string[] | undefined, node: string, setup: Setup): SimWorld =>
  play(waiting(labels ?? [], setup), setup, [overrides(node)]);

const waits = (w: SimWorld, setup: Setup): string | null =>
  goesOn(w, setup) === null ? "T goes on, and nobody has allowed it" : null;

/** What an override does, and what it must leave as it was; each is a site with an operator, see scenarios.ts. */
const SCENARIOS: Record<string, (setup: Setup) => string | null> = {
  "a node that is overridden goes on, and its sibling joins it": (setup) => {
    for (const [, labels, node] of WAITING) {
      const world = overridden(labels, node, setup);
      const problem = goesOn(world, setup) ?? comesBack(goneOn(world, setup), setup);
      if (problem !== null) return problem;
    }
    return null;
  },
  "both copies have gone on, one of them by an override: T stops in a split brain": (setup) => {
    const { reached, trace } = splits(WINNER_DIED ?? [], setup);
    return reached ? null : `T goes on:\n${trace.join("\n")}`;
  },
  "a node that loses power before it has used its override waits again": (setup) => {
    const world = copy(overridden(TOGETHER_LOST, "n2", setup));
    crash(world, 1);
    boot(world, 1, setup.twist);
    return waits(world, setup);
  },
  "an override that has not been used is none for a sibling that is back": (setup) => {
    const world = copy(overridden(WINNER_DIED, "n2", setup));
    stopAgent(world, 1, setup.twist);
    boot(world, 0, setup.twist);
    startAgent(world, 0, setup);
    return comesBack(world, setup);
  },
  "nor for one that answers over the frontend alone": (setup) => {
    const world = copy(overridden(TOGETHER_LOST, "n2", setup));
    stopAgent(world, 1, setup.twist);
    world.backend = false;
    boot(world, 0, setup.twist);
    startAgent(world, 0, setup);
    return waits(world, setup);
  },
  "an override that has not been used ends with the first packet of the sibling": (setup) => {
    const world = copy(overridden(TOGETHER_LOST, "n2", setup));
    stopAgent(world, 1, setup.twist);
    boot(world, 0, setup.twist);
    const heard = copy(play(world, setup, ["n2: the agent starts", "n2: the sibling is heard"]));
    crash(heard, 0);
    return waits(heard, setup);
  },
  "what was overridden without the witness is claimed when it is back, and not won by the sibling": (setup) => {
    const world = goneOn(overridden(["n2: the witness is out of reach", "n1 loses power"], "n2", setup), setup);
    const claimed = copy(
      play(world, setup, ["n2: the witness is back", "n2: timer pollWitness", "n2: the witness answers the move"]),
    );
    crash(claimed, 1);
    boot(claimed, 0, setup.twist);
    return waits(claimed, setup);
  },
  "a winner that lost power before its thaw hears first that it was overridden": (setup) => {
    const won = [
      "n2: the witness is out of reach",
      "the backend is cut",
      "n1: the witness answers the move",
      "n1 loses power",
    ];
    const world = goneOn(overridden(won, "n2", setup), setup);
    return comesBack({ ...world, backend: true }, setup);
  },
};

/** With the operator in every set-up. */
export const OVERRIDES: typeof SCENARIOS = Object.fromEntries(
  Object.entries(SCENARIOS).map(([name, scenario]) => [name, (setup: Setup) => scenario({ ...setup, operator: true })]),
);
