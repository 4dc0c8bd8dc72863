import { forgetOtherGenerations } from "../../components/arbiter/agent/claim.ts";
import { Claimant } from "./claimant.ts";
import { openFiles } from "./open-files.ts";

/** One node's process in a race: does what its parent's messages say, in several lanes at a time. */
export interface Order {
  id: number;
  lane: number;
  gen: string;
  verb: "stage" | "claim" | "release" | "count";
}

export interface Report {
  id: number;
  /** Of a claim: the verdict and the number it was about. Of `count`: open files. */
  verdict?: string | null;
  k?: number;
  alarm?: string | null;
  asked?: string[];
  files?: number;
}

const options = JSON.parse(process.argv[2] ?? "") as ConstructorParameters<typeof Claimant>[0];
const lanes = new Map<number, Claimant>();

async function obey({ id, lane, gen, verb }: Order): Promise<Report> {
  if (verb === "count") return { id, files: openFiles() };
  const claimant = lanes.get(lane) ?? new Claimant(options);
  lanes.set(lane, claimant);
  // Nobody collects here, so the generations that are past need not be remembered.
  claimant.notes = { ...forgetOtherGenerations(claimant.notes, gen, null), past: [] };
  if (verb === "release") return { id, verdict: (await claimant.tidy(gen)) ? null : "undecided" };
  const { verdict, key, alarm, asked } = await claimant.run(verb, gen);
  return { id, verdict, k: key.k, alarm, asked };
}

process.on("message", (order: Order) => void obey(order).then((report) => process.send?.(report)));
process.on("disconnect", () => process.exit());
