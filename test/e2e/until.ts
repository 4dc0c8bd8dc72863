import { setTimeout as sleep } from "node:timers/promises";

/**
 * Asks again and again until the answer is not undefined.
 * @param what completes "waited 20 s for ..."
 * @param options.diagnosis told only when time runs out: what the thing waited for looks like instead
 * @throws with the last error of the question, if its last answer was one
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  question: () => Promise<T | undefined> | T | undefined,
  { everyMs = 100, diagnosis = async () => "" }: { everyMs?: number; diagnosis?: () => Promise<string> } = {},
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let problem = "";
  do {
    try {
      const answer = await question();
      if (answer !== undefined) return answer;
      problem = "";
    } catch (error) {
      problem = `; the last look failed: ${(error as Error).message}`;
    }
    await sleep(everyMs);
  } while (performance.now() < deadline);
  throw new Error(`waited ${timeoutMs / 1000} s for ${what}${problem}\n${await diagnosis()}`);
}
