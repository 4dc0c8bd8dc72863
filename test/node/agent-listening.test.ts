import { createServer } from "node:net";
import { afterEach, expect, test, vi } from "vitest";
import { keepListening } from "../../components/arbiter/agent/linux/listening.ts";
import { freePort } from "./sshd.ts";

afterEach(() => vi.useRealTimers());

test("an error of one connection leaves a server that listens as it is", async () => {
  const server = createServer();
  const told: string[] = [];
  const close = keepListening(server, { host: "127.0.0.1", port: await freePort() }, ({ message }) =>
    told.push(message),
  );
  try {
    await expect.poll(() => server.listening).toBe(true);
    vi.useFakeTimers();
    server.emit("error", new Error("accept EMFILE"));
    // It would listen twice, which Node refuses.
    expect(() => vi.advanceTimersByTime(5_000)).not.toThrow();
    expect(told).toEqual(["accept EMFILE"]);
    expect(server.listening).toBe(true);
  } finally {
    close();
  }
});
