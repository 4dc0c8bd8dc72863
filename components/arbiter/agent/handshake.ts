import { reliedOn } from "./claim.ts";
import type { State } from "./state.ts";
import { fresh, withoutDisk } from "./state.ts";
import { thawsByWaiver, waiverWords } from "./waiver.ts";
import type { ClaimStanding, Hello, Local } from "./world.ts";

/** What this node says of itself, from a reading made after the question came. `echo` repeats the asker's disarm notes. */
export function helloOf(s: State, local: Local, echo: string[]): Hello {
  const { volume } = local;
  return {
    site: s.settings.site,
    node: s.settings.node,
    bootId: s.bootId ?? "",
    incarnation: s.notes.adopted,
    nothingBut: s.notes.nothingBut,
    gen: volume.gen,
    left: volume.left,
    disk: volume.disk,
    peerDisk: volume.peerDisk,
    role: volume.role,
    connection: volume.connection,
    frozen: volume.frozen,
    t: local.t,
    mounted: local.mounted,
    disarmed: local.disarmed,
    fresh: fresh({ ...s, local }),
    claim: standing({ ...s, local }),
    ...waiverWords({ ...s, local }),
    members: s.members,
    echo,
  };
}

function standing(s: State): ClaimStanding {
  const { gen } = s.local.volume;
  if (reliedOn(s.notes, gen) !== null || thawsByWaiver(s)) return "won";
  const ours = (key: { gen: string; incarnation: string }) => key.gen === gen && key.incarnation === s.notes.adopted;
  if (s.notes.releasing.some(ours)) return "releasing";
  if (gen !== null && s.lost === gen) return "lost";
  return s.notes.intents.some(ours) ? "undecided" : "none";
}

/** Lock 5 (a) and (b), for a node that is not frozen. */
export function doorOpensAwake(s: State, hello: Hello): boolean {
  const { volume } = s.local;
  if (volume.frozen || hello.connection === "Connected") return false;
  if (hello.role === "Secondary") {
    // Two that are not Primary compare their copies when they meet. Without a disk there is nothing to compare, and DRBD
    // would call the other copy UpToDate, however old it is.
    const comparable = volume.role === "Primary" || !(withoutDisk(volume.disk) || withoutDisk(hello.disk));
    return hello.t === "dead" && comparable;
  }
  if (hello.role !== "Primary" || volume.role !== "Secondary") return false;
  // "Thawed, as the owner of a claim or with your disk recorded Outdated": either way its metadata says so.
  return !hello.frozen && (hello.peerDisk === "Outdated" || hello.peerDisk === "Inconsistent");
}

/** Lock 5 (c): the sibling is frozen and undecided on my generation, and I am the copy it still waits for. */
export function doorOpensToFrozen(s: State, hello: Hello): boolean {
  const { volume } = s.local;
  return (
    hello.role === "Primary" &&
    hello.frozen &&
    hello.claim !== "won" &&
    hello.claim !== "lost" &&
    hello.connection !== "Connected" &&
    hello.gen === volume.gen &&
    volume.role === "Secondary" &&
    volume.disk === "UpToDate" &&
    !fresh(s) &&
    reliedOn(s.notes, volume.gen) === null
  );
}

/** What a frozen node whose claim stays undecided makes of its sibling's answer (lock 5, first that fits). */
export type FrozenOutcome = "lost" | "asGoodAsWon" | "meet" | "letGo" | "wait";

export function frozenOutcome(s: State, hello: Hello): FrozenOutcome {
  const { gen, disk } = s.local.volume;
  if (hello.connection === "Connected") return "wait";
  if (gen !== null && hello.left === gen) return "lost";
  if (hello.role !== "Secondary" || withoutDisk(hello.disk)) return "wait";
  const siblingBehind = hello.disk === "Outdated" || hello.disk === "Inconsistent";
  if (hello.gen === gen && siblingBehind && disk === "UpToDate") return "asGoodAsWon";
  if (hello.gen === gen && hello.disk === "UpToDate" && !hello.fresh && hello.claim !== "won") return "meet";
  return "letGo";
}

/** The sibling repeats our notes and says "I am Connected and see both disks UpToDate" (lock 4). */
export function rearmed(s: State, hello: Hello): string[] {
  const sees = hello.connection === "Connected" && hello.disk === "UpToDate" && hello.peerDisk === "UpToDate";
  return sees ? s.local.disarmed.filter((note) => hello.echo.includes(note)) : [];
}

/** Rule 7: E1 and E2 are healthy and caught up, the sibling armed, so two votes remain while T moves or starts again. */
export function readyForHandOver(s: State, hello: Hello): boolean {
  const { members } = s;
  if (members === null || hello.members === null || !members.healthy || !hello.members.healthy) return false;
  return (
    hello.connection === "Connected" &&
    hello.role === "Secondary" &&
    hello.disk === "UpToDate" &&
    hello.peerDisk === "UpToDate" &&
    hello.disarmed.length === 0 &&
    Math.abs(hello.members.applied - members.applied) <= CAUGHT_UP_ENTRIES
  );
}

/** Entries a member may be behind and still be "caught up": what a busy site writes between two polls. */
const CAUGHT_UP_ENTRIES = 5000;
