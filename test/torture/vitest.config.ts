import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/torture/*.test.ts"], pool: "forks", fileParallelism: false, teardownTimeout: 60_000 },
});
