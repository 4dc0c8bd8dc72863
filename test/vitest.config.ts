import { defineConfig } from "vitest/config";

/** Pure tests run side by side; those that own a server run one after the other. */
const pure = (name: string) => ({ test: { name, root: import.meta.dirname, include: [`${name}/**/*.test.ts`] } });
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
