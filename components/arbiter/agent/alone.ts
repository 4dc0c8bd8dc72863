import { reliedOn } from "./claim.ts";
import {
  armed,
  connected,
  fired,
  fresh,
  overridden,
  type State,
  siblingBehind,
  withoutDisk,
  witnessTrusted,
} from "./state.ts";
import { mayWin, thawsByWaiver, waives } from "./waiver.ts";

// What a node that is apart from its sibling may do, as conditions on its state; the table in rules.ts says what it does.

/** May this node claim the current generation now (rules 2, 5, 8)? */
export function mayClaim(s: State): boolean {
  const { volume } = s.local;
  if (connected(s) || s.meeting || volume.gen === null || s.notes.adopted === null || volume.splitBrain) return false;
  if (reliedOn(s.notes, volume.gen) !== null || s.lost === volume.gen) return false;
  if (volume.gen === s.notes.superseded || thawsByWaiver(s)) return false;
  // A diskless or half-synced Primary has no data to go on with (trace 11).
  if (volume.frozen) return volume.disk === "UpToDate";
  if (volume.role !== "Secondary" || volume.connection !== "StandAlone") return false;
  const copyWillDo = volume.disk === "Consistent" || (volume.disk === "UpToDate" && !siblingBehind(volume));
  return copyWillDo && ((s.heard === false && waited(s)) || nobodyToMeet(s));
}

/** The sibling answers and has no disk: meeting it would say nothing about this copy, so the claim must. */
const nobodyToMeet = (s: State): boolean =>
  s.sibling?.role === "Secondary" && withoutDisk(s.sibling.disk) && fired(s, "deserted");

/** Rule 2: node two waits, so that the holder wins a split. Rule 8: after a boot both wait for each other first. */
export function waited(s: State): boolean {
  if (fresh(s)) return fired(s, "bootOffset");
  return s.settings.index === 0 || fired(s, "waitOffset");
}

/** Rules 3 and 8: may this lone Secondary promote? DRBD asks the fence-peer handler again before it obeys. */
export function mayPromoteAlone(s: State): boolean {
  const { volume } = s.local;
  if (volume.role !== "Secondary" || connected(s) || s.meeting || !armed(s) || volume.splitBrain) return false;
  if (volume.disk !== "UpToDate" && volume.disk !== "Consistent") return false;
  if ((volume.gen === s.notes.superseded && !overridden(s)) || s.diverged) return false;
  const byItself = (s.heard === false && waited(s)) || (fired(s, "deserted") && s.asked);
  // What was won before a boot may have been overridden since: the sibling, if it is there, is heard first.
  if (reliedOn(s.notes, volume.gen) !== null) return !fresh(s) || byItself || s.sibling !== null;
  if (mayGoOn(s)) return true;
  return volume.disk === "UpToDate" && siblingBehind(volume) && byItself;
}

/**
 * Rule 3, begun while node two still waits or its claim is under way: the kernel then has called the handler by the time the
 * claim is decided, and the handler's question is kept until then (`verdict.ts`).
 */
export function promotesAhead(s: State): boolean {
  // For a sibling that is known to be behind the kernel asks nobody: that promotion waits its time.
  return mayTakeOver(s) && !siblingBehind(s.local.volume) && !fresh(s) && fired(s, "promoteAhead") && claimIsComing(s);
}

/** This node goes on with its generation: the claim is its own, its sibling waits, or the operator has overridden what cannot be had. */
export const mayGoOn = (s: State): boolean =>
  reliedOn(s.notes, s.local.volume.gen) !== null || thawsByWaiver(s) || (overridden(s) && gone(s) && !claimIsComing(s));

/** No packet of the sibling arrives, and this process has asked it; had it answered, there would be no override. */
const gone = (s: State): boolean => s.heard === false && s.asked;

/** The claim on this generation is about to be asked for, or asked for already, and nothing says yet how it ends. */
export function claimIsComing(s: State): boolean {
  const { gen } = s.local.volume;
  if (gen === null || gen === s.notes.superseded || waives(s)) return false;
  return witnessTrusted(s) && s.undecided !== gen && s.lost !== gen;
}

/** A loss is confirmed and this copy may claim once its wait is over: closing the door meanwhile costs the takeover nothing. */
export function mayTakeOver(s: State): boolean {
  const { volume } = s.local;
  const whole = volume.role === "Secondary" && volume.disk === "UpToDate" && !volume.splitBrain;
  return whole && mayWin(s) && s.heard === false && s.lost !== volume.gen;
}
