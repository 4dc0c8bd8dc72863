/**
 * Every rule, guard and lock, switched off: an edit of the source, made in a copy. What the edit takes away must be missed
 * (hunt.ts), or `covered` says what else prevents the harm. Rules of the table are switched off by mutate.ts, one by one.
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
  /** What prevents the harm as well, so that nobody can miss this guard alone. */
  covered?: string;
}

export const agent = (file: string): string => `components/arbiter/agent/${file}`;
export const world = (file: string): string => `test/simulation/${file}`;

type Edit = readonly [name: string, source: string, from: string, to: string, covered?: string];

export const in_ = (file: string, edits: readonly Edit[]): Mutation[] =>
  edits.map(([name, source, from, to, covered]) => ({
    name,
    source,
    file,
    from,
    to,
    ...(covered === undefined ? {} : { covered }),
  }));
