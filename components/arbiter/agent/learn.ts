import { mayClaim } from "./alone.ts";
import { advance, forgetOtherGenerations, giveUpAllBut, reliedOn } from "./claim.ts";
import { collected, take } from "./claiming.ts";
import type { Draft } from "./draft.ts";
import { doorOpensAwake, doorOpensToFrozen, frozenOutcome, helloOf, rearmed } from "./handshake.ts";
import { endOverride, override } from "./override.ts";
import { armed, connected, holder, type State, together, withoutDisk } from "./state.ts";
import { verdict } from "./verdict.ts";
import { answerAboutWaiver, learnOfWaiver, tellPromise, thawsByWaiver } from "./waiver.ts";
import { pollWitness, start } from "./work.ts";
import type { Event, Hello } from "./world.ts";

/** Takes in what the event says, and nothing more than that. */
export function learn(d: Draft, event: Event): void {
  switch (event.kind) {
    case "start":
      d.s.bootId = event.bootId;
      d.s.notes = event.notes;
      d.s.local = event.local;
      // T that is found running on its mount was started through the gate.
      d.s.gatePassed = event.local.mounted && event.local.t === "running";
      d.s.gateAfterBoot = event.notes.connectedIn !== event.bootId;
      // How long T has been frozen is not known: the limit may have passed while nobody looked.
      if (event.local.volume.frozen && event.local.t === "running") d.s.fired = ["killLimit"];
      return;
    case "local":
      d.s.local = event.local;
      return;
    case "link":
      d.s.heard = event.heard;
      return;
    case "ask":
      d.s.local = event.local;
      if (event.mode === "primary") d.s.asks = [...d.s.asks, event.id];
      else d.s.promotions = [...d.s.promotions, event.id];
      return;
    case "askGone":
      d.s.asks = d.s.asks.filter((id) => id !== event.id);
      d.s.promotions = d.s.promotions.filter((id) => id !== event.id);
      return;
    case "witness":
      if (event.id === d.s.witnessPoll) learnIncarnation(d, event.answer);
      else if (event.id === d.s.collecting?.id) collected(d, d.s.collecting.past, event.answer);
      else if (event.id === d.s.runId && d.s.run !== null) {
        take(d, advance(d.s.run, event.answer, d.s.notes, names(d.s)), d.s.run);
      }
      return;
    case "greeting":
      d.s.local = event.local;
      reply(d, event);
      return;
    case "answer":
      if (event.id !== d.s.exchange) return;
      d.s.exchange = null;
      d.s.local = event.local;
      learnAnswer(d, event.hello);
      return;
    case "members":
      d.s.members = event.members;
      d.s.membersId = event.id;
      return;
    case "done":
      learnDone(d, event);
      return;
    case "override":
      override(d, event);
      return;
    case "timer":
      d.s.running = d.s.running.filter((name) => name !== event.name);
      if (!d.s.fired.includes(event.name)) d.s.fired = [...d.s.fired, event.name];
  }
}

const names = (s: State): { self: string; sibling: string } => ({ self: s.settings.node, sibling: s.settings.sibling });

/** Whatever the answer promises is noted before it is said. */
function reply(d: Draft, { id, hello }: Extract<Event, { kind: "greeting" }>): void {
  const words = answerAboutWaiver(d, hello);
  d.do({ kind: "reply", id, hello: { ...helloOf(d.s, d.s.local, hello.disarmed), ...words } });
}

function learnDone(d: Draft, event: Extract<Event, { kind: "done" }>): void {
  d.s.local = event.local;
  if (d.s.job?.name === event.job) d.s.job = null;
  if (!event.ok) {
    d.s.held = { job: event.job, why: event.why };
    d.say("warning", `${event.job} failed: ${event.why}`);
    return;
  }
  // A T that dies at once, or a connection that is refused, is tried again after a pause, not in a circle.
  if (event.job === "startT" || event.job === "connect" || event.job === "moveLeader") {
    d.s.held = { job: event.job, why: "was done a moment ago" };
  }
}

/** The incarnation is taken in two steps, each only while together (arbitration.md, "The claim, exactly"). */
function learnIncarnation(d: Draft, answer: Extract<Event, { kind: "witness" }>["answer"]): void {
  d.s.witnessPoll = null;
  const token = answer !== "silence" && answer.status === 200 ? answer.body.trim() : "";
  const shows = token === "" ? null : token;
  if (shows !== d.s.shows) {
    d.say(
      shows === null ? "alarm" : "info",
      shows === null ? "the witness does not answer" : `the witness shows incarnation ${shows}`,
    );
  }
  d.s.shows = shows;
  d.s.witnessDown = shows === null;
  d.s.witnessHeld = false;
  if (shows === null || shows === d.s.notes.adopted || !together(d.s)) return;
  if (d.s.notes.nothingBut !== shows) {
    d.s.mayAdopt = null;
    d.note(giveUpAllBut(d.s.notes, shows));
  } else if (d.s.mayAdopt === shows) {
    d.s.mayAdopt = null;
    d.note({ ...d.s.notes, adopted: shows });
    d.say("info", `incarnation ${shows} of the witness adopted`);
  }
}

function learnAnswer(d: Draft, hello: Hello | null): void {
  if ((hello === null) !== (d.s.sibling === null)) {
    d.say(
      hello === null ? "warning" : "info",
      hello === null ? "the sibling's agent does not answer" : "the sibling's agent answers",
    );
  }
  d.s.sibling = hello;
  d.s.asked = !connected(d.s);
  if (hello === null) return;
  learnOfWaiver(d, hello);

  const notes = rearmed(d.s, hello);
  if (notes.length > 0 && d.s.job === null)
    start(d, { name: "rearm", notes }, "lock 4", "the sibling sees both disks UpToDate");

  const { nothingBut } = d.s.notes;
  if (nothingBut !== null && d.s.notes.adopted === null && hello.nothingBut === nothingBut) {
    d.s.mayAdopt = nothingBut;
    pollWitness(d);
  }

  const { volume } = d.s.local;
  if (connected(d.s) || volume.splitBrain) return;
  learnLeft(d, hello);
  if (d.s.diverged) return;
  // The answer may have come on the frontend: halves meet on the backend only.
  const reachable = d.s.heard === true;
  if (!volume.frozen) {
    if (reachable && (doorOpensAwake(d.s, hello) || doorOpensToFrozen(d.s, hello))) meet(d);
    return;
  }
  // The witness decides first; the sibling's word counts when it does not, or must not be asked.
  const witnessMayDecide = mayClaim(d.s) && d.s.undecided !== volume.gen;
  if (witnessMayDecide || reliedOn(d.s.notes, volume.gen) !== null) return;
  if (thawsByWaiver(d.s)) return;
  switch (frozenOutcome(d.s, hello)) {
    case "lost":
      d.s.lost = volume.gen;
      return;
    case "asGoodAsWon":
      for (const id of d.s.asks)
        verdict(d, id, "won", "the sibling's disk is recorded as behind, it cannot promote alone");
      d.s.asks = [];
      return;
    case "meet":
      if (reachable) meet(d);
      return;
    case "letGo":
      if (reachable) d.s.condemned = true;
      return;
    case "wait":
  }
}

/** What the sibling says of the generation that it has left is from its own metadata, and holds for good. */
function learnLeft(d: Draft, hello: Hello): void {
  const { volume } = d.s.local;
  const { gen, left } = volume;
  if (gen !== null && hello.left === gen && hello.connection !== "Connected") d.note({ ...d.s.notes, superseded: gen });
  const whole = volume.disk !== "Inconsistent" && hello.disk !== "Inconsistent";
  const diverged = whole && left !== null && hello.left === left && hello.gen !== gen;
  if (diverged && !d.s.diverged)
    d.say("alarm", `${d.s.settings.sibling} and this node have both gone on from generation ${left}`);
  d.s.diverged = diverged;
}

function meet(d: Draft): void {
  // A node that could still rely on a claim promotes; it does not meet.
  if (d.s.job !== null || d.s.held?.job === "connect" || reliedOnNow(d.s)) return;
  d.s.meeting = true;
  d.s.run = null;
}

/** A disarmed node relies on nothing until it was Connected again; kept from meeting, it would wait for ever. */
const reliedOnNow = (s: State): boolean => armed(s) && !holder(s) && reliedOn(s.notes, s.local.volume.gen) !== null;

/** Facts that follow from the reading alone. */
export function followLocal(d: Draft): void {
  const { volume } = d.s.local;
  if (connected(d.s) !== connected(d.before)) {
    // An answer counts only inside the connection that asked.
    d.s.sibling = null;
    d.s.exchange = null;
    d.s.asked = false;
  }
  if (connected(d.s)) {
    d.s.diverged = false;
    d.s.meeting = false;
    d.s.lost = null;
    d.s.undecided = null;
    d.s.gateAfterBoot = false;
    if (d.s.notes.connectedIn !== d.s.bootId) d.note({ ...d.s.notes, connectedIn: d.s.bootId });
  }
  const diskFailed = withoutDisk(volume.disk);
  if (diskFailed && volume.role !== "Down") d.note({ ...d.s.notes, diskFailed });
  // Whatever it missed it has got again: a copy that was behind is still disarmed here (lock 4).
  else if (together(d.s) && d.s.local.disarmed.length === 0) d.note({ ...d.s.notes, diskFailed: false });
  endOverride(d);
  tellPromise(d);
  // A connection that was tried and refused needs a new handshake (rule 10).
  const refused = d.before.local.volume.connection === "Connecting" && volume.connection === "StandAlone";
  if (d.s.heard === false || refused) d.s.meeting = false;
  if (volume.splitBrain && !d.before.local.volume.splitBrain) {
    d.say("alarm", "a split brain: T stays stopped, and both copies are kept for the operator (rule 11)");
  }
  if (!volume.frozen) d.s.condemned = false;
  if (d.s.lost !== volume.gen && d.s.lost !== d.s.notes.override?.gen) d.s.lost = null;
  if (d.s.local.t === "running") d.s.gatePassed = true;
  else if (!holder(d.s)) d.s.gatePassed = false;
  if (together(d.s) && volume.gen !== null) {
    d.note(forgetOtherGenerations(d.s.notes, volume.gen, d.s.staged));
    // Noted as past once: a disarmed node stages nothing for a while, and would collect the same folder in a circle.
    if (d.s.staged !== null && d.s.staged.gen !== volume.gen) d.s.staged = null;
  }
}
