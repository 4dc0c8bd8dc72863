import { command, type Outcome } from "./command.ts";

const LIMIT_MS = 5000;

/** The two rules that drop etcd peer traffic with the sibling in both directions, as `door.sh` makes them at boot. */
const RULES = [
  { pref: 2380, port: "dport", start: "dport_start", end: "dport_end" },
  { pref: 2381, port: "sport", start: "sport_start", end: "sport_end" },
] as const;
const [FIRST_PORT, LAST_PORT] = [2380, 2382];

type IpRule = Readonly<Record<string, unknown>>;

/** In how far the kernel's rules keep the sibling's etcd away. A door of which one half is missing shuts nothing out. */
export type DoorState = "open" | "half" | "closed";

export async function readDoor(sibling: string): Promise<DoorState> {
  const asked = await command(["ip", "-j", "rule", "show"], LIMIT_MS);
  // Whether the rules are there is not known: nobody may take such a door for closed, nor for open.
  return asked.ok ? doorOf(asked.stdout, sibling) : "half";
}

export function doorOf(json: string, sibling: string): DoorState {
  const rules = JSON.parse(json) as IpRule[];
  const inForce = RULES.filter((wanted) =>
    rules.some(
      (rule) =>
        rule.priority === wanted.pref &&
        rule.dst === sibling &&
        rule.ipproto === "tcp" &&
        rule[wanted.start] === FIRST_PORT &&
        rule[wanted.end] === LAST_PORT &&
        rule.action === "blackhole",
    ),
  );
  return inForce.length === RULES.length ? "closed" : inForce.length === 0 ? "open" : "half";
}

/** Both rules in force when it is ok; a rule that is already there is no failure. */
export function closeDoor(sibling: string): Promise<Outcome> {
  return change("add", sibling, "closed");
}

/** Both rules gone when it is ok. */
export function openDoor(sibling: string): Promise<Outcome> {
  return change("del", sibling, "open");
}

async function change(verb: "add" | "del", sibling: string, wanted: DoorState): Promise<Outcome> {
  const lines = RULES.map(
    ({ pref, port }) =>
      `rule ${verb} blackhole to ${sibling} ipproto tcp ${port} ${FIRST_PORT}-${LAST_PORT} protocol kernel pref ${pref}\n`,
  );
  // `-force`: a rule that is already there, or already gone, must not keep the other from being changed.
  const said = await command(["ip", "-force", "-batch", "-"], LIMIT_MS, lines.join(""));
  const now = await readDoor(sibling);
  if (now === wanted) return { ...said, ok: true, why: "" };
  return { ...said, ok: false, why: `the door is ${now}, not ${wanted}: ${said.why}` };
}
