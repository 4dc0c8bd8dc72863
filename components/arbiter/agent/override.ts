import { claimIsComing, waited } from "./alone.ts";
import { reliedOn } from "./claim.ts";
import type { Draft } from "./draft.ts";
import {
  armed,
  connected,
  holder,
  overridden,
  overrideUsed,
  type State,
  siblingBehind,
  witnessTrusted,
} from "./state.ts";
import { mayWin } from "./waiver.ts";
import type { Event } from "./world.ts";

/** Notes the operator's override durably, or says what is against it. It ends with its generation and with this boot. */
export function override(d: Draft, { id, site, local }: Extract<Event, { kind: "override" }>): void {
  d.s.local = local;
  const found = objections(d.s);
  const { gen } = local.volume;
  if (site !== d.s.settings.site) found.push(`This is the site ${d.s.settings.site}, not ${site}.`);
  if (found.length === 0 && gen !== null && d.s.bootId !== null) {
    d.note({ ...d.s.notes, override: { gen, bootId: d.s.bootId } });
    // A claim that can be had is had: then nobody else goes on from this generation.
    d.s.undecided = null;
    d.say("alarm", `the operator overrides the protocol for generation ${gen}: what only the sibling has is given up`);
  }
  d.do({ kind: "override", id, objections: found });
}

/** Whatever would be an objection now ends an override that has not been used; one that has ends with the generation. */
export function endOverride(d: Draft): void {
  const { notes, local, heard, sibling } = d.s;
  if (notes.override === null) return;
  const { disk, splitBrain } = local.volume;
  const whole = disk === "UpToDate" || disk === "Consistent";
  const stands = overridden(d.s) && heard !== true && sibling === null && whole && !splitBrain;
  if (!(stands || overrideUsed(d.s))) d.note({ ...notes, override: null });
  else if (overrideUsed(d.s)) d.note({ ...notes, diskFailed: false });
}

/** Every reason why the protocol must not be overridden here and now, each a sentence with what to do. */
export function objections(s: State): string[] {
  const found = [split(s), siblingIsThere(s), notWhole(s)].filter((each) => each !== null);
  const itself = found.length === 0 ? goesOn(s) : null;
  return itself === null ? found : [itself];
}

const split = (s: State): string | null =>
  s.local.volume.splitBrain || s.diverged
    ? "There is a split brain: both copies hold writes that the other misses. The runbook says how to choose one."
    : null;

function siblingIsThere(s: State): string | null {
  const { sibling } = s.settings;
  const decide = "the nodes decide by themselves what `tandem status` says they wait for.";
  if (connected(s)) return `DRBD is connected to ${sibling}: nothing has to be given up, and ${decide}`;
  if (s.sibling !== null) return `The agent of ${sibling} answers: ${decide}`;
  if (s.heard === true)
    return `Packets of ${sibling} arrive, so its machine runs. Start its agent (\`journalctl -u tandem-agent\` there), or switch the machine off.`;
  if (s.heard === null || !s.asked)
    return `It is not known yet whether ${sibling} is there; ask again in a few seconds.`;
  return null;
}

/** DRBD promotes or thaws a whole copy on the handler's word, and nothing else without force. */
function notWhole(s: State): string | null {
  const { disk, gen } = s.local.volume;
  const { node, sibling } = s.settings;
  const instead = `Bring ${sibling} back. If it is gone for good, the site is built anew from a snapshot of etcd (runbook, "Overriding the protocol").`;
  if (disk === "Outdated")
    return `The copy of ${node} is Outdated: DRBD knows that ${sibling} has gone on without it, and promotes it by force alone, which is never done. ${instead}`;
  if ((disk !== "UpToDate" && disk !== "Consistent") || gen === null)
    return `${node} has no whole copy of the volume: its disk is ${disk}. ${instead}`;
  return null;
}

/** This node waits for nobody, or not yet for an operator. */
function goesOn(s: State): string | null {
  const { volume } = s.local;
  const { node, sibling } = s.settings;
  if (holder(s) && !volume.frozen)
    return `${node} is Primary and not frozen: it waits for nobody. \`tandem status\` says what it does.`;
  if (overridden(s)) return `The protocol is overridden already; \`tandem status\` says how far ${node} is.`;
  if (armed(s) && reliedOn(s.notes, volume.gen) !== null) return `The claim is ${node}'s: it goes on by itself.`;
  if (armed(s) && volume.disk === "UpToDate" && siblingBehind(volume))
    return `DRBD has the copy of ${sibling} down as ${volume.peerDisk}: ${node} goes on by itself.`;
  if (!volume.frozen && !waited(s)) return `${node} still waits for ${sibling} to come; ask again in a few seconds.`;
  if (mayWin(s) && (claimIsComing(s) || (s.run !== null && witnessTrusted(s))))
    return `The witness answers and is being asked: ${node} goes on by itself if it may.`;
  return s.job === null ? null : `${node} is busy (${s.job.name}); ask again in a few seconds.`;
}
