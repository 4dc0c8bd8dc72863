import { once } from "node:events";
import { createInterface } from "node:readline";
import { Failure } from "./verb.ts";

/** Asks for a name on stdin before something that cannot be undone. @throws Failure if another is typed */
export async function typed(name: string): Promise<void> {
  process.stdout.write(`\nType ${name} to go on: `);
  const lines = createInterface({ input: process.stdin });
  const [answer = ""] = await Promise.race([once(lines, "line"), once(lines, "close")]);
  lines.close();
  if (String(answer).trim() !== name)
    throw new Failure(`${JSON.stringify(answer)} is not ${name}; nothing was changed`);
}
