import type { Catch } from "./hunt.ts";
import { CASES, type Case, caseNamed, huntWithout } from "./switched-off.ts";

/** Missed, covered as the table says, or neither. */
type Mark = "✓" | "·" | "✗";

interface Judgement {
  mark: Mark;
  text: string;
  states: number;
}

/**
 * Switches off one thing after the other and lets hunt.ts look for the harm.
 * @param only part of the names to try
 * @returns whether each was caught, or is proved to be covered as the table says
 */
export async function mutate(threads: number, only: string): Promise<boolean> {
  const cases = CASES.filter(({ name, source }) => `${name} ${source}`.includes(only));
  const count: Record<Mark, number> = { "✓": 0, "·": 0, "✗": 0 };
  const queue = [...cases];
  const one = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const begun = performance.now();
      const { mark, text, states } = await judged(next);
      const cost = `${states} states, ${((performance.now() - begun) / 1000).toFixed(0)} s`;
      console.log(`${mark} ${next.name} (${next.source}): ${text} (${cost})`);
      count[mark] += 1;
    }
  };
  await Promise.all(Array.from({ length: threads }, one));
  console.log(
    `\nswitched off: ${cases.length}, caught: ${count["✓"]}, covered and proved: ${count["·"]}, ` +
      `without a verdict: ${count["✗"]}`,
  );
  return count["✗"] === 0;
}

async function judged(off: Case): Promise<Judgement> {
  const { caught, states } = await huntWithout([off], "any");
  const [found] = caught;
  const { covered } = off;
  if (found !== undefined) {
    const text = `${found.by}: ${found.what.slice(0, 90)}`;
    if (covered === undefined) return { mark: "✓", text: `caught by ${text}`, states };
    return { mark: "✗", text: `NOT COVERED as the table says: ${text}`, states };
  }
  if (covered === undefined) return { mark: "✗", text: "NOT CAUGHT", states };
  const shown = await proof(off);
  if (shown === null) return { mark: "✗", text: `NOT PROVED to be covered by ${covered.by}`, states };
  return { mark: "·", text: `covered by ${covered.by}; without that as well: ${shown.by}: ${shown.what}`, states };
}

/** What goes wrong without this guard and what covers it, and not while this one guard is left. */
export async function proof(off: Case): Promise<Catch | null> {
  const shown = off.covered?.proof;
  if (shown === undefined) return null;
  const others = shown.others.map(caseNamed);
  const [found] = (await huntWithout([off, ...others], [shown.schedule])).caught;
  const { caught } = await huntWithout(others, [shown.schedule]);
  return found !== undefined && caught.length === 0 ? found : null;
}
