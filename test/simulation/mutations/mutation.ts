/**
 * Every rule, guard and lock, switched off: an edit of the source, made in a copy. What the edit takes away must be missed
 * (hunt.ts), or `covered` says what else prevents the harm and is to be proved: with the others off as well it must be
 * missed where they alone are not. Rules of the table are switched off by mutate.ts, one by one.
 */
export interface Mutation {
  /** What is gone. */
  name: string;
  /** Where arbitration.md asks for it. */
  source: string;
  /** In components/arbiter/agent, or in test/simulation for what the kernel, the handlers and etcd do. */
  file: string;
  /** Stands there exactly once. */
  from: string;
  to: string;
  covered?: Cover;
}

export interface Cover {
  /** What prevents the harm as well, so that nobody can miss this guard alone; with its reason. */
  by: string;
  /** A schedule of guards.ts or scenarios.ts that ends badly without this guard and the others, and not without them. */
  proof?: { schedule: string; others: readonly string[] };
}

/** A judgement only, as long as no schedule is named. */
export function covered(by: string, schedule?: string, ...others: string[]): Cover {
  return schedule === undefined ? { by } : { by, proof: { schedule, others } };
}

export const agent = (file: string): string => `components/arbiter/agent/${file}`;
export const world = (file: string): string => `test/simulation/${file}`;

type Edit = readonly [name: string, source: string, from: string, to: string, covered?: Cover];

export const in_ = (file: string, edits: readonly Edit[]): Mutation[] =>
  edits.map(([name, source, from, to, covered]) => ({
    name,
    source,
    file,
    from,
    to,
    ...(covered === undefined ? {} : { covered }),
  }));
