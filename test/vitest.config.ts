import { defineConfig } from "vitest/config";

/** Pure tests run side by side; those that own a server run one after the other. */
const pure = (name: string) => ({
  // A whole site is set up by some, on a machine that may be busy.
  test: { name, root: import.meta.dirname, include: [`${name}/**/*.test.ts`], hookTimeout: 60_000 },
});
const alone = (name: string, testTimeout: number) => ({
  test: {
    name,
    root: import.meta.dirname,
    include: [`${name}/**/*.test.ts`],
    fileParallelism: false,
    testTimeout,
    hookTimeout: testTimeout,
  },
});

export default defineConfig({
  test: {
    projects: [pure("unit"), pure("graph"), pure("golden"), alone("simulation", 120_000), alone("node", 60_000)],
  },
});
