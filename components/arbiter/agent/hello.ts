import { atLeast, boolean, type Check, ifSaid, integer, list, nullable, oneOf, text } from "./check.ts";
import type { Hello, Members } from "./world.ts";

const label = text(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a host name label");
const token = text(/^[A-Za-z0-9-]{1,64}$/, "a token");
const generation = text(/^[0-9A-F]{16}$/, "16 upper-case hex digits");
const disk = oneOf("UpToDate", "Consistent", "Outdated", "Inconsistent", "Failed", "Diskless", "Unknown");
const disarmNotes = list(text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a disarm token"), 100);

const members: Check<Members> = atLeast<Members>({
  healthy: boolean,
  leader: oneOf("E1", "E2", "T", "none"),
  applied: integer(0, Number.MAX_SAFE_INTEGER),
});

/** What the sibling's agent says, whole or not at all. A newer agent may say more. */
export const checkHello: Check<Hello> = atLeast<Hello>({
  site: label,
  node: label,
  bootId: token,
  incarnation: nullable(token),
  nothingBut: nullable(token),
  gen: nullable(generation),
  left: nullable(generation),
  disk,
  peerDisk: disk,
  role: oneOf("Primary", "Secondary", "Down"),
  connection: oneOf("StandAlone", "Connecting", "Connected"),
  frozen: boolean,
  t: oneOf("running", "dying", "dead"),
  mounted: boolean,
  disarmed: disarmNotes,
  fresh: boolean,
  claim: oneOf("won", "releasing", "lost", "undecided", "none"),
  waived: ifSaid("no", oneOf("no", "yes", "back")),
  waiver: ifSaid("none", oneOf("none", "wanted", "held", "returned")),
  members: nullable(members),
  echo: disarmNotes,
});
