import type { FaultOf } from "../schedule.ts";
import { answering, type Bench, type Heal, ifAnswering } from "./fault.ts";

export async function jumpClock(bench: Bench, { where, shiftMs }: FaultOf<"clock">): Promise<Heal> {
  const set = (ms: number) => `date -s @${(ms / 1000).toFixed(3)} >/dev/null`;
  await answering(bench, where).run(set(Date.now() + shiftMs));
  // A boot has set it right already.
  return () => ifAnswering(bench, where, set(Date.now()));
}
