import { basename } from "node:path";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Scenarios share one site, so each finds what the ones before it left: blank machines first, the destroyed site last. */
const order = [
  "lab-self",
  "interrupted-demo",
  "bad-connection",
  "bad-machines",
  "bad-witness",
  "provision",
  "second-up",
  "bad-artifact",
  "node-one-loses-power",
  "node-two-loses-power",
  "backend-cut",
  "witness-down",
  "waiver",
  "both-off-both-on",
  "stale-node-refused",
  "both-rebooted",
  "override",
  "election-timeout",
  "changed-volume",
  "rotated-certificates",
  "up-with-dead-node",
  "replaced-node",
  "destroy-keeps-data",
  "purge",
  "existing-witness",
  "interrupted-up",
  "debian-12",
  "kubernetes-provision",
  "kubernetes-node-loses-power",
  "kubernetes-backend-cut",
  "kubernetes-process-killed",
  "kubernetes-upgrade",
  "kubernetes-workloads",
  "kubernetes-out-of-service",
  "kubernetes-destroy",
  "kubernetes-load-balancer",
  "kubernetes-external-etcd",
  "k3s",
];

class InOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placed = files.map((file) => ({ file, at: place(file) }));
    return placed.toSorted((a, b) => a.at - b.at).map(({ file }) => file);
  }
}

function place({ moduleId }: TestSpecification): number {
  const name = basename(moduleId, ".test.ts");
  const index = order.indexOf(name);
  if (index < 0) throw new Error(`the scenario ${name} has no place in the order of test/e2e/vitest.config.ts`);
  return index;
}

export default defineConfig({
  test: {
    include: ["test/e2e/*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    // One process and one set of modules for all files: the lab and its site are kept in one.
    isolate: false,
    sequence: { sequencer: InOrder },
    teardownTimeout: 60_000,
  },
});
