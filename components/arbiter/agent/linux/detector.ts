import { spawn } from "node:child_process";
import type { DetectorSettings } from "../settings.ts";
import { command } from "./command.ts";

export interface DetectorOptions extends DetectorSettings {
  /** IPv4 backend addresses. */
  own: string;
  sibling: string;
  /** `ping`, or what stands in for it in a test. */
  program: string;
}

export interface DetectorEvents {
  /** The first reply, and the first after a loss. */
  heard(): void;
  /** Silence for `quietMs`; the probes are under way. */
  suspected(quietMs: number): void;
  /** A reply came meanwhile. */
  unfounded(): void;
  lost(): void;
  /** Pings cannot be sent, so silence means nothing. */
  blind(why: string): void;
}

const RESTART_MS = 200;
/** Timers may run out a little before their time by the other clock. */
const TIMER_EARLY_MS = 5;
/** A probe that took this much longer than it should was not run in time itself, and says nothing of the sibling. */
const STARVED_MS = 150;
const STARVED_PROBES = 3;

/**
 * Listens to the sibling's kernel: its replies to a steady ping. Silence is suspected here and confirmed by probes of
 * their own, because this process, or the whole machine, may have been the one that was asleep.
 */
export function startDetector(options: DetectorOptions, on: DetectorEvents): () => void {
  let lastHeard = performance.now();
  let told: "heard" | "lost" | null = null;
  let probing = false;
  let blind = false;
  let ended = false;
  let child: ReturnType<typeof listen> | null = null;
  let restart: NodeJS.Timeout | null = null;
  const reply = `bytes from ${options.sibling}: icmp_seq=`;

  function hear(): void {
    lastHeard = performance.now();
    silence.refresh();
    blind = false;
    if (told !== "heard") on.heard();
    told = "heard";
  }

  function listen() {
    const interval = seconds(options.pingIntervalMs);
    const ping = spawn(options.program, ["-n", "-i", interval, "-I", options.own, options.sibling], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    // A line that comes in two pieces is missed; another follows soon.
    ping.stdout.setEncoding("latin1").on("data", (lines: string) => {
      if (lines.includes(reply) && !ended) hear();
    });
    ping.on("error", (error) => goBlind(error.message));
    // It ends by itself when the address or the interface is away.
    ping.on("close", () => {
      if (!ended) restart = setTimeout(relisten, RESTART_MS);
    });
    return ping;
  }

  function relisten(): void {
    child = listen();
  }

  function goBlind(why: string): void {
    if (!blind) on.blind(why);
    blind = true;
    // Not a silence of the sibling's: count from here.
    lastHeard = performance.now();
    silence.refresh();
  }

  const quietMs = () => performance.now() - lastHeard;

  // Started again by every reply; it runs out when none has come for the length of a silence.
  const silence = setTimeout(() => {
    // Replies may lie unread in the pipe because this loop was late: let it read first.
    setImmediate(() => {
      if (ended) return;
      if (quietMs() >= options.silenceMs - TIMER_EARLY_MS) void suspect();
      else silence.refresh();
    });
  }, options.silenceMs);

  async function suspect(): Promise<void> {
    if (probing || told === "lost") return;
    probing = true;
    on.suspected(Math.round(quietMs()));
    const verdict = await probe();
    probing = false;
    if (ended) return;
    if (verdict === "reply") {
      hear();
      on.unfounded();
    } else if (verdict !== "silence") goBlind(verdict.blind);
    else if (quietMs() < options.silenceMs) on.unfounded();
    else {
      told = "lost";
      on.lost();
    }
  }

  async function probe(): Promise<"silence" | "reply" | { blind: string }> {
    const { probes, probeIntervalMs } = options;
    const expected = probes * probeIntervalMs;
    const how = ["-c", String(probes), "-i", seconds(probeIntervalMs), "-W", seconds(probeIntervalMs)];
    for (let attempt = 1; ; attempt++) {
      const begun = performance.now();
      const asked = await command(
        [options.program, "-n", "-q", ...how, "-I", options.own, options.sibling],
        expected + 1000,
      );
      if (asked.ok) return "reply";
      // 1: no reply. 2: cannot be sent, because the own interface is away, which is a loss of the link as well.
      if (asked.code !== 1 && asked.code !== 2) return { blind: asked.why };
      const starved = performance.now() - begun > expected + STARVED_MS;
      if (!starved || attempt === STARVED_PROBES) return "silence";
    }
  }

  relisten();
  return () => {
    ended = true;
    clearTimeout(silence);
    if (restart !== null) clearTimeout(restart);
    child?.kill();
  };
}

const seconds = (ms: number): string => String(ms / 1000);
