import type { Draft } from "./draft.ts";
import { armed, connected, fired, holder, type State, together, witnessTrusted } from "./state.ts";
import type { Hello } from "./world.ts";

/**
 * The waiver: while the witness is away the other node promises the holder to wait for it, so that the holder, losing it, thaws
 * without a claim. Durable on both ends and bound to the generation. At any moment a waiver that is held has been promised:
 * whoever promises again expects no acknowledgement, and whoever acknowledges expects no promise, that was under way before.
 */

/** This node has promised, for its generation, neither to claim nor to rely on any claim. */
export const waives = ({ notes, local: { volume } }: State): boolean =>
  notes.waived !== null && notes.waived === volume.gen;

/** May win a claim. */
export const mayWin = (s: State): boolean => armed(s) && !waives(s);

/** The sibling has promised, for this node's generation. */
export function holdsWaiver(s: State): boolean {
  const { notes, local } = s;
  const { gen } = local.volume;
  return gen !== null && notes.waiver === gen && notes.superseded !== gen && !waives(s);
}

/** This frozen holder goes on by the sibling's promise. A waiver thaws; it never promotes. */
export function thawsByWaiver(s: State): boolean {
  const { volume } = s.local;
  return holder(s) && volume.frozen && volume.disk === "UpToDate" && armed(s) && holdsWaiver(s);
}

/** The witness is away, and not for a moment only. */
const witnessAway = (s: State): boolean => fired(s, "witnessAway");

/** This holder would not survive the loss of its sibling. */
export const wantsWaiver = (s: State): boolean =>
  holder(s) && together(s) && armed(s) && witnessAway(s) && !waives(s) && s.notes.waiver !== s.local.volume.gen;

/** The promise is of no use any more: the witness decides again, or it is this node that holds the volume now. */
export const wantsBack = (s: State): boolean => together(s) && waives(s) && (witnessTrusted(s) || holder(s));

/** What this node says of the waiver, asking or answering. */
export function waiverWords(s: State): Pick<Hello, "waived" | "waiver"> {
  return {
    waived: wantsBack(s) ? "back" : waives(s) ? "yes" : "no",
    waiver: holdsWaiver(s) ? "held" : wantsWaiver(s) ? "wanted" : "none",
  };
}

/** The sibling's question is answered with these words; what they promise is durable before. */
export function answerAboutWaiver(d: Draft, hello: Hello): Pick<Hello, "waived" | "waiver"> {
  const { gen } = d.s.local.volume;
  if (maySwear(d.s, hello)) {
    d.note({ ...d.s.notes, waived: gen });
    d.say(
      "warning",
      `the witness is away: ${d.s.settings.node} promises to wait for ${hello.node} in generation ${gen}, whatever comes`,
    );
  }
  if (hello.waived === "back" && hello.gen === gen && together(d.s)) return gaveBack(d);
  const words = waiverWords(d.s);
  // An acknowledgement that is still under way is older than this promise.
  if (words.waived === "yes") d.s.asksBack = false;
  return words;
}

/** May this node promise to wait for the one that asks? */
function maySwear(s: State, hello: Hello): boolean {
  const { gen } = s.local.volume;
  const asked = hello.waiver === "wanted" && gen !== null && hello.gen === gen;
  const whole = hello.disk === "UpToDate" && hello.peerDisk === "UpToDate" && hello.disarmed.length === 0;
  const both = together(s) && armed(s) && hello.role === "Primary" && hello.connection === "Connected" && whole;
  return asked && both && !holder(s) && witnessAway(s) && s.notes.waiver !== gen;
}

/** Durably, then acknowledged; never once this node has thawed with it, because it is apart then. */
function gaveBack(d: Draft): Pick<Hello, "waived" | "waiver"> {
  if (d.s.notes.waiver !== null) {
    d.note({ ...d.s.notes, waiver: null });
    d.say("info", `${d.s.settings.node} gives the waiver back`);
  }
  // A promise that is still under way is older than this acknowledgement.
  d.s.exchange = null;
  return { ...waiverWords(d.s), waiver: "returned" };
}

/** Takes in what the sibling answers, inside the connection that asked. */
export function learnOfWaiver(d: Draft, hello: Hello): void {
  const { gen } = d.s.local.volume;
  if (gen === null || hello.gen !== gen) return;
  if (!together(d.s) || !connected(d.before)) return;
  if (hello.waived === "yes" && holder(d.s) && !waives(d.s) && d.s.notes.waiver !== gen) {
    d.note({ ...d.s.notes, waiver: gen });
    d.say(
      "info",
      `${hello.node} waits for ${d.s.settings.node} in generation ${gen}: it may be lost without the witness`,
    );
  }
  if (hello.waiver === "returned" && d.s.asksBack && waives(d.s)) {
    d.note({ ...d.s.notes, waived: null });
    d.say("info", `${d.s.settings.node} has its promise back and may claim again`);
  }
}

/** Losing its sibling, or starting without it, a node that has promised says so: it may have to be helped. */
export function tellPromise(d: Draft): void {
  const { node, sibling } = d.s.settings;
  if (connected(d.s) || !waives(d.s) || !(connected(d.before) || d.before.bootId === null)) return;
  d.say("alarm", `${node} waits for ${sibling}, as it has promised: bring ${sibling} back, or see \`tandem override\``);
}
