import { defineConfig } from "vitest/config";

/** Pure tests run side by side; some set up a whole site, on a machine that may be busy. */
const pure = (name: string) => ({
  test: {
    name,
    root: import.meta.dirname,
    include: [`${name}/**/*.test.ts`],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
/**
 * Those that own a server run one after the other. Where real time limits are tested, a machine that stood still for a
 * moment gets a second attempt, which the report tells.
 */
const alone = (name: string, testTimeout: number, retry = 0) => ({
  test: {
    name,
    root: import.meta.dirname,
    include: [`${name}/**/*.test.ts`],
    fileParallelism: false,
    retry,
    testTimeout,
    hookTimeout: testTimeout,
  },
});

export default defineConfig({
  test: {
    projects: [pure("unit"), pure("graph"), pure("golden"), alone("simulation", 300_000), alone("node", 60_000, 1)],
  },
});
