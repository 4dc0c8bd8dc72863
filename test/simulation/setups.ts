import { AS_SHIPPED, PROMISES, type Setup } from "./agent.ts";

/** What can be explored, by the name that the command line and the threads use. */
export const SETUPS: Record<string, Setup> = {
  promises: PROMISES,
  "promises-9": { ...PROMISES, drbd: 9 },
  members: AS_SHIPPED,
  "members-9": { ...AS_SHIPPED, drbd: 9 },
  "promises-operator": { ...PROMISES, operator: true },
  "members-node-one": { ...AS_SHIPPED, leader: "node-one" },
};

export function setupNamed(name: string): Setup {
  const setup = SETUPS[name];
  if (setup !== undefined) return setup;
  throw new Error(`there is no set-up "${name}"; there are ${Object.keys(SETUPS).join(", ")}`);
}
