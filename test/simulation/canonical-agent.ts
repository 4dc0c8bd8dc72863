import type { State } from "../../components/arbiter/agent/core.ts";
import { withoutDisk } from "../../components/arbiter/agent/state.ts";
import { TIMERS } from "../../components/arbiter/agent/timers.ts";
import type { Local, Notes, TimerName } from "../../components/arbiter/agent/world.ts";
import type { Setup } from "./agent.ts";
import type { Canon } from "./canon.ts";
import type { Side, SimNode, SimWorld } from "./world.ts";

/** The agent's reading; mostly it is what its node shows now. */
function putLocal(c: Canon, local: Local, node: SimNode): void {
  const { volume, door, mounted, t, tOutdated } = local;
  if (isUpToDate(local, node)) {
    c.put(-8);
    return;
  }
  c.word(volume.role);
  c.word(volume.disk);
  c.word(volume.peerDisk);
  c.word(volume.peerRole);
  c.word(volume.connection);
  c.word(volume.sync);
  c.flag(volume.frozen);
  c.name(volume.gen);
  c.name(volume.left);
  c.flag(volume.splitBrain);
  c.word(door);
  c.flag(mounted);
  c.flag(tOutdated);
  c.word(t);
}

function isUpToDate({ volume, door, mounted, t, tOutdated }: Local, node: SimNode): boolean {
  return (
    volume.role === node.role &&
    volume.disk === node.disk &&
    volume.peerDisk === node.peerDisk &&
    volume.peerRole === node.peerRole &&
    volume.connection === node.connection &&
    volume.sync === node.sync &&
    volume.frozen === node.frozen &&
    volume.gen === node.current &&
    volume.left === node.left &&
    volume.splitBrain === node.splitBrain &&
    door === node.door &&
    mounted === node.mounted &&
    t === node.t &&
    tOutdated === node.tOutdated
  );
}

export function putNotes(c: Canon, notes: Notes, boot: string | null): void {
  c.name(notes.adopted);
  c.name(notes.nothingBut);
  c.keys(notes.intents);
  c.keys(notes.won);
  c.keys(notes.releasing);
  c.flag(boot !== null && notes.connectedIn === boot);
  c.flag(boot !== null && notes.doorOpened === boot);
  c.flag(notes.diskFailed);
  c.name(notes.superseded);
  c.name(notes.override?.gen ?? null);
  c.flag(boot !== null && notes.override?.bootId === boot);
  c.name(notes.waived);
  c.name(notes.waiver);
}

/** May this timer, elapsed or still running, never again matter to what the agent does while it is wanted? */
function idle(state: State, name: TimerName, setup: Setup): boolean {
  switch (name) {
    case "readHoldOff":
      // Only the start gate reads it, which is passed until T's volume is let go (DRBD 8.4 does that by a reboot); without
      // members the gate is always open.
      return !setup.members || (state.gatePassed && setup.drbd === 8);
    case "waitOffset":
      // Node one waits for nothing.
      return state.settings.index === 0;
    case "pollMembers":
      return !setup.members;
    default:
      return false;
  }
}

/**
 * Of the answer that is kept only the table's conditions read anything: the start gate and a sibling without a disk while alone, hand-over and
 * move-leader while connected. Losing the connection, or finding it, drops the answer.
 */
function putSibling(c: Canon, w: SimWorld, side: Side, state: State, setup: Setup): void {
  const { sibling } = state;
  const { connection, role } = state.local.volume;
  if (connection !== "Connected") {
    // A Secondary's is dropped when it begins to take the volume.
    const gate = setup.members && !state.gatePassed && (role === "Primary" || state.job?.name === "takeVolume");
    c.flag(gate && sibling?.t === "dead" && sibling.connection !== "Connected");
    c.flag(sibling?.role === "Secondary" && withoutDisk(sibling.disk));
    // A claim that was won before this boot, or is about to be, is not relied on before the sibling, if it is there, has
    // answered; and an answer is an objection to an override.
    c.flag((role === "Secondary" || setup.operator) && sibling !== null);
    return;
  }
  c.flag(setup.members && sibling !== null && sibling.disarmed.length === 0 && sibling.members?.healthy === true);
  // Node one only stops T when its settings have changed.
  const mayStop = side === 1 || w.faults > 0 || state.local.tOutdated || w.nodes[side].tOutdated;
  c.flag(
    mayStop &&
      sibling?.connection === "Connected" &&
      sibling.role === "Secondary" &&
      sibling.disk === "UpToDate" &&
      sibling.peerDisk === "UpToDate" &&
      sibling.disarmed.length === 0 &&
      sibling.members?.healthy === true,
  );
}

/** What of an agent's state can still change what it does. */
export function putAgent(c: Canon, w: SimWorld, side: Side, state: State, setup: Setup): void {
  const node = w.nodes[side];
  putLocal(c, state.local, node);
  putNotes(c, state.notes, state.bootId);
  c.word(state.heard === null ? null : String(state.heard));
  if (setup.members) {
    c.word(state.members?.leader ?? null);
    c.flag(state.membersId >= state.gateFrom);
    c.flag(state.gatePassed);
    c.flag(state.gateAfterBoot);
  }
  c.word(state.run?.purpose ?? null);
  if (state.run !== null) {
    c.word(state.run.step);
    c.flag(state.run.restaged);
    c.key(state.run.key);
  }
  const now = (gen: string) => gen === state.local.volume.gen || gen === node.current;
  // A generation never returns, and what is known of the current one only is compared with the current one.
  c.key(state.firstOpen !== null && state.firstOpen.k > 0 && now(state.firstOpen.gen) ? state.firstOpen : null);
  c.name(state.undecided !== null && now(state.undecided) ? state.undecided : null);
  c.key(state.staged);
  c.flag(state.collecting !== null);
  c.flag(state.witnessHeld);
  c.name(state.lost);
  c.flag(state.condemned);
  c.put(state.asks.length * 8 + state.promotions.length);
  c.name(state.shows);
  c.flag(state.witnessPoll !== null);
  c.name(state.mayAdopt);
  c.flag(state.witnessDown);
  c.flag(state.exchange !== null);
  c.flag(state.exchange !== null && state.asksBack);
  putSibling(c, w, side, state, setup);
  c.flag(state.asked);
  c.flag(state.diverged);
  c.flag(state.meeting);
  c.word(state.job?.name ?? null);
  c.word(state.held?.job ?? null);
  let timers = 0;
  for (const name of state.running) if (!idle(state, name, setup)) timers |= bit(name);
  c.put(timers);
  timers = 0;
  for (const name of state.fired) if (!idle(state, name, setup)) timers |= bit(name);
  c.put(timers);
}

const bits = new Map(TIMERS.map(({ name }, index) => [name, 1 << index]));
const bit = (name: TimerName): number => bits.get(name) ?? 0;
