import { reliedOn } from "../../components/arbiter/agent/claim.ts";
import { initialState, step } from "../../components/arbiter/agent/core.ts";
import { RULES, type Rule } from "../../components/arbiter/agent/rules.ts";
import type { Action, CoreSettings, Event, Hello, Local, Members } from "../../components/arbiter/agent/world.ts";
import { reading } from "./drbd.ts";
import { members } from "./etcd.ts";
import { ONLY_READS, serve } from "./witness.ts";
import { opposite, type Side, type SimNode, type SimWorld, type Twist, Violation } from "./world.ts";

/** What stays the same during one exploration. */
export interface Setup {
  rules: readonly Rule[];
  twist: Twist;
  leader: "opposite" | "node-one";
  /** DRBD 8.4 lets go of a frozen volume by a reboot, DRBD 9 by `secondary --force`. */
  drbd: 8 | 9;
  /**
   * With members: terms, leaders, elections and reads. Without: every gate that depends on them is open and the leader is
   * left alone, so that everything else can be explored further.
   */
  members: boolean;
  /** A person overrides the protocol where the verb lets him, having switched the sibling off. */
  operator: boolean;
}

export const AS_SHIPPED: Setup = {
  rules: RULES,
  twist: {},
  leader: "opposite",
  drbd: 8,
  members: true,
  operator: false,
};

/** As shipped, for what T may promise. */
export const PROMISES: Setup = {
  ...AS_SHIPPED,
  rules: RULES.filter((rule) => !rule.reason.includes("leader")),
  members: false,
};

const NAMES = ["n1", "n2"] as const;
export const nodeName = (side: Side): string => NAMES[side];

export function settings(side: Side, setup: Setup): CoreSettings {
  return {
    site: "site",
    node: nodeName(side),
    sibling: nodeName(opposite(side)),
    index: side,
    leader: setup.leader,
    waitOffsetMs: 500,
    bootOffsetMs: 3000,
    readHoldOffMs: 5000,
    killLimitMs: 2000,
  };
}

/** Ids of the handler's questions: the core only repeats them. */
const PRIMARY_ASK = 1;
const PROMOTION_ASK = 2;

/** An answer that is newer than every question. */
const ALWAYS = Number.MAX_SAFE_INTEGER;

export function seen(w: SimWorld, side: Side, setup: Setup): Local {
  const local = reading(w, side);
  return setup.twist.local === undefined ? local : setup.twist.local(local);
}

/** The agent process starts: it knows only its notes and what it reads. */
export function startAgent(w: SimWorld, side: Side, setup: Setup): void {
  const node = w.nodes[side];
  node.agent = initialState(settings(side, setup));
  const notes = setup.twist.notes === undefined ? node.notes : setup.twist.notes(node.notes);
  node.notes = notes;
  deliver(
    w,
    side,
    { kind: "start", bootId: `${nodeName(side)}-${node.boot}`, notes, local: seen(w, side, setup) },
    setup,
  );
  if (!setup.members) deliver(w, side, { kind: "members", id: ALWAYS, members: polled(w, side, setup) }, setup);
}

export function stopAgent(w: SimWorld, side: Side, twist: Twist): void {
  const node = w.nodes[side];
  node.agent = null;
  node.slow = false;
  if (node.pause === "agent") node.pause = "none";
  node.misheard = false;
  node.requests = [];
  node.answers = [];
  node.jobs = [];
  promotersToolEnds(node);
  if (node.handler !== "asking") return;
  node.handler = twist.without?.includes("asking again after an agent restart") ? "undecided" : "waiting";
}

/** The tool that asked for a promotion ends; the kernel still obeys a verdict that was given. */
export function promotersToolEnds(node: SimNode): void {
  if (node.promotion === "asking" || node.promotion === "undecided") node.promotion = "none";
}

/**
 * One event to one agent, and what it does at once. Questions whose answers need no witness tree (incarnation, members,
 * sibling) are answered on the spot; `late` keeps such an answer on its way.
 */
export function deliver(w: SimWorld, side: Side, event: Event, setup: Setup, late = false): void {
  const queue: Event[] = [event];
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const node = w.nodes[side];
    if (node.agent === null) return;
    const result = step(node.agent, next, setup.rules);
    node.agent = result.state;
    if ("local" in next && result.state.local === next.local) node.slow = false;
    for (const action of result.actions) perform(w, side, action, setup, queue, late);
  }
  forgetUnawaited(w.nodes[side]);
}

/** A question that only reads changes nothing once nobody waits for its answer. */
function forgetUnawaited(node: SimNode): void {
  const { agent } = node;
  if (agent === null) return;
  const awaited = (id: number): boolean => (agent.run !== null && id === agent.runId) || id === agent.collecting?.id;
  node.requests = node.requests.filter(({ id, request }) => awaited(id) || !ONLY_READS.has(request.verb));
}

function perform(w: SimWorld, side: Side, action: Action, setup: Setup, queue: Event[], late: boolean): void {
  const node = w.nodes[side];
  switch (action.kind) {
    case "note":
      node.notes = setup.twist.notes === undefined ? action.notes : setup.twist.notes(action.notes);
      return;
    case "verdict":
      if (action.verdict === "won") {
        checkReliance(w, side);
        if (action.id === PRIMARY_ASK && node.disk !== "UpToDate")
          throw new Violation(`${nodeName(side)} is told that it won, and has no whole disk`);
      }
      if (action.id === PROMOTION_ASK) {
        if (node.promotion === "asking") node.promotion = action.verdict;
      } else if (node.handler === "asking") node.handler = action.verdict;
      return;
    case "witness": {
      if (action.request.verb !== "incarnation") {
        node.requests = [...node.requests, { id: action.id, request: action.request }];
        return;
      }
      const answer = w.witness.up && !node.cutOff ? serve(w, nodeName(side), action.request, setup.twist) : "silence";
      if (late) node.answers = [...node.answers, { id: action.id, witness: answer }];
      else queue.push({ kind: "witness", id: action.id, answer });
      return;
    }
    case "members":
      if (late) node.answers = [...node.answers, { id: action.id, members: polled(w, side, setup) }];
      else queue.push({ kind: "members", id: action.id, members: polled(w, side, setup) });
      return;
    case "greet": {
      const hello = answerOf(w, opposite(side), action.hello, setup);
      if (late && hello !== null) node.answers = [...node.answers, { id: action.id, hello }];
      else queue.push({ kind: "answer", id: action.id, hello, local: seen(w, side, setup) });
      return;
    }
    case "job":
      node.jobs = [...node.jobs, action.job];
      return;
    case "reply":
    case "override":
    case "timer":
    case "cancel":
    case "say":
      return;
  }
}

function polled(w: SimWorld, side: Side, setup: Setup): Members {
  if (setup.members) return members(w, side, setup.twist);
  return { healthy: true, leader: side === 0 ? "E1" : "E2", applied: 0 };
}

/** The sibling's agent is asked over either path; its answer is what its own core makes of a fresh reading. */
function answerOf(w: SimWorld, side: Side, asker: Hello, setup: Setup): Hello | null {
  const node = w.nodes[side];
  if (node.agent === null || node.pause !== "none" || !(w.backend || w.frontend)) return null;
  const result = step(node.agent, { kind: "greeting", id: 0, hello: asker, local: seen(w, side, setup) }, setup.rules);
  node.agent = result.state;
  node.slow = false;
  let reply: Hello | null = null;
  const queue: Event[] = [];
  for (const action of result.actions) {
    if (action.kind === "reply") reply = action.hello;
    else perform(w, side, action, setup, queue, false);
  }
  for (const event of queue) deliver(w, side, event, setup);
  return reply !== null && setup.twist.hello !== undefined ? setup.twist.hello(reply, asker) : reply;
}

/** The kernel calls the fence-peer handler, which asks the agent; without one the answer is "undecided". */
export function askPrimary(w: SimWorld, side: Side, setup: Setup): void {
  w.nodes[side].handler = "asking";
  deliver(w, side, { kind: "ask", id: PRIMARY_ASK, mode: "primary", local: seen(w, side, setup) }, setup);
}

/** The same before it promotes a lone Secondary; the answer may come later. */
export function askPromotion(w: SimWorld, side: Side, setup: Setup): void {
  w.nodes[side].promotion = "asking";
  deliver(w, side, { kind: "ask", id: PROMOTION_ASK, mode: "promotion", local: seen(w, side, setup) }, setup);
}

/** The handler of a promotion waits three seconds at most. */
export function promotionTimesOut(w: SimWorld, side: Side, setup: Setup): void {
  w.nodes[side].promotion = "undecided";
  deliver(w, side, { kind: "askGone", id: PROMOTION_ASK }, setup);
}

/** What a "won" without a claim rests on: the sibling has promised, or the operator has overridden it. */
function checkWaiver(w: SimWorld, side: Side): void {
  const { notes, current } = w.nodes[side];
  if (notes.waiver !== current || notes.override?.gen === current) return;
  const other = w.nodes[opposite(side)];
  if (other.current === current && other.notes.waived !== current)
    throw new Violation(`node ${nodeName(side)} relies on a promise that its sibling has taken back`);
}

/** A claim that was released may not be what a "won" rests on. */
function checkReliance(w: SimWorld, side: Side): void {
  const node = w.nodes[side];
  const key = reliedOn(node.notes, reading(w, side).volume.gen);
  if (key === null) checkWaiver(w, side);
  if (key === null || key.incarnation !== w.witness.incarnation) return;
  const claim = w.witness.claims[`${key.gen}.${key.k}`];
  if (claim?.released === true) throw new Violation(`node ${nodeName(side)} relies on a claim that was released`);
}
