/** Puts while nothing fails, on a site and on a plain cluster beside it. */
import { setTimeout as sleep } from "node:timers/promises";
import { Load } from "../e2e/load/load.ts";
import { nowNs } from "../e2e/load/operation.ts";
import { writesPerSecond } from "./failover.ts";
import type { Lab } from "./lab.ts";
import type { EtcdClient } from "./plain-etcd.ts";
import { step } from "./progress.ts";

const turns = 4;
const settleMs = 2000;
const turnMs = 20_000;

/** Milliseconds that each put of a turn took; the same number of turns for both. */
export interface SteadyPuts {
  plain: number[][];
  site: number[][];
}

type Cluster = readonly [lab: Lab, client: EtcdClient];

/** In turns, so that what else the machine does meets both. */
export async function steadyPuts(plain: Cluster, site: Cluster): Promise<SteadyPuts> {
  const seen: SteadyPuts = { plain: [], site: [] };
  for (let turn = 1; turn <= turns; turn++) {
    await step(`puts at rest (${turn} of ${turns})`, async () => {
      seen.plain.push(await putsOf(...plain));
      seen.site.push(await putsOf(...site));
    });
  }
  return seen;
}

async function putsOf(lab: Lab, client: EtcdClient): Promise<number[]> {
  const load = await Load.start(lab, {
    ...client,
    writesPerSecond: writesPerSecond / client.endpoints.length,
    mix: "writes",
  });
  await sleep(settleMs);
  const fromNs = nowNs();
  await sleep(turnMs);
  const report = await load.stop();
  report.assertCorrect();
  return report.putLatencies({ fromNs, toNs: nowNs() });
}
