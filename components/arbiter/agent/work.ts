import type { Draft } from "./draft.ts";
import { helloOf } from "./handshake.ts";
import type { Rule } from "./rules.ts";
import { alone, fired, type State } from "./state.ts";
import { TIMERS } from "./timers.ts";
import type { TimerName } from "./world.ts";

/** Starts the next piece of work that the table asks for. */
export function work(d: Draft, rules: readonly Rule[]): void {
  if (fired(d.s, "jobRetry")) {
    d.s.held = null;
    d.s.fired = d.s.fired.filter((name) => name !== "jobRetry");
  }
  for (const rule of rules) {
    if (d.s.job !== null && !rule.urgent) continue;
    if (!rule.when(d.s)) continue;
    const job = rule.job(d.s);
    if (d.s.job?.name === job.name) return;
    if (d.s.held?.job === job.name) continue;
    start(d, job, rule.source, rule.reason);
    return;
  }
}

export function start(d: Draft, job: NonNullable<State["job"]>, source: string, reason: string): void {
  d.s.job = job;
  if (job.name === "disconnect") d.s.meeting = false;
  if (job.name === "openDoor") d.note({ ...d.s.notes, doorOpened: d.s.bootId });
  if (job.name === "closeDoor") d.note({ ...d.s.notes, doorOpened: null });
  if (job.name === "takeVolume" && alone(d.s)) {
    d.s.gateFrom = d.s.nextId;
    // Only an answer given after this moment can open the start gate.
    d.s.sibling = null;
    d.s.exchange = null;
    d.do({ kind: "members", id: d.id() });
  }
  d.do({ kind: "job", job, reason: `${reason} (${source})` });
}

export function pollWitness(d: Draft): void {
  d.s.witnessPoll = d.id();
  d.do({ kind: "witness", id: d.s.witnessPoll, request: { verb: "incarnation" } });
}

/** Periodic questions, and every timer that is wanted or no longer wanted. */
export function keepTimers(d: Draft): void {
  if (fired(d.s, "greet") && d.s.exchange === null) {
    const hello = helloOf(d.s, d.s.local, []);
    d.s.exchange = d.id();
    d.s.asksBack = hello.waived === "back";
    d.do({ kind: "greet", id: d.s.exchange, hello });
  }
  if (fired(d.s, "pollWitness") && d.s.witnessPoll === null) pollWitness(d);
  if (fired(d.s, "pollMembers")) {
    d.s.fired = d.s.fired.filter((name) => name !== "pollMembers");
    d.do({ kind: "members", id: d.id() });
  }
  for (const timer of TIMERS) {
    const wanted = timer.wanted(d.s);
    const running = d.s.running.includes(timer.name);
    if (wanted && !running && !fired(d.s, timer.name)) {
      d.s.running = [...d.s.running, timer.name];
      d.do({ kind: "timer", name: timer.name, ms: timer.ms(d.s) });
    }
    if (!wanted) forget(d, timer.name, running);
  }
}

function forget(d: Draft, name: TimerName, running: boolean): void {
  if (running) d.do({ kind: "cancel", name });
  d.s.running = d.s.running.filter((other) => other !== name);
  d.s.fired = d.s.fired.filter((other) => other !== name);
}
