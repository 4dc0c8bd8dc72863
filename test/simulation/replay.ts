import type { Setup } from "./agent.ts";
import { after, type Move, moves } from "./moves.ts";
import { nothingKnown, Progress } from "./progress.ts";
import { SIDES, type SimWorld, Violation } from "./world.ts";

export interface Played {
  world: SimWorld;
  /** One line per step: what happened, and what the world looks like then. */
  lines: string[];
  violation: string | null;
}

const NAME = /(gen|tree|disarm)#\d+/g;
const PLENTY = 99;
/** Worlds on one natural course. */
const ROOM = 100_000;

/** Makes these moves, one after the other; null when one of them is not possible. Faults are not counted. */
export function playBack(start: SimWorld, setup: Setup, labels: readonly string[]): Played | null {
  let world: SimWorld = { ...start, faults: PLENTY, late: PLENTY };
  const lines: string[] = [];
  for (const [index, label] of labels.entries()) {
    const ready = moves(world, setup);
    const move = ready.find((each) => each.label === label) ?? ready.find((each) => alike(each, label));
    if (move === undefined) return null;
    const mark = move.price === "fault" || move.price === "late" ? "!! " : "";
    try {
      const result = after(world, move, setup);
      world = { ...result.world, faults: PLENTY, late: PLENTY };
      const note = result.note === undefined ? "" : ` (${result.note})`;
      lines.push(`${index + 1}. ${mark}${move.label}${note}\n${describe(world)}`);
    } catch (problem) {
      if (!(problem instanceof Violation)) throw problem;
      lines.push(`${index + 1}. ${mark}${move.label}\n     VIOLATION: ${problem.message}`);
      return { world, lines, violation: problem.message };
    }
  }
  return { world, lines, violation: null };
}

/** A schedule that lost a step numbers its generations differently. */
const alike = (move: Move, label: string): boolean => move.label.replace(NAME, "") === label.replace(NAME, "");

/** Leaves out every step that is not needed for a violation, or for a world from which the site does not come back. */
export function shorten(start: SimWorld, setup: Setup, labels: readonly string[]): string[] {
  const whole = playBack(start, setup, labels);
  const violates = whole !== null && whole.violation !== null;
  const harmful = (played: Played): boolean =>
    violates ? played.violation !== null : new Progress(setup, nothingKnown(ROOM)).fails(played.world);
  let trace = [...labels];
  for (let size = Math.ceil(trace.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = trace.length - size; at >= 0; at -= 1) {
      const less = [...trace.slice(0, at), ...trace.slice(at + size)];
      const played = playBack(start, setup, less);
      if (played !== null && harmful(played)) trace = less.slice(0, played.lines.length);
    }
  }
  return trace;
}

/** The world in a line for each node, as a person at its console would put it. */
export function describe(w: SimWorld): string {
  const nodes = SIDES.map((side) => {
    const node = w.nodes[side];
    const name = `     n${side + 1}`;
    if (!node.up) return `${name} without power, generation ${node.current}`;
    const agent = node.agent === null ? "no agent" : node.pause === "agent" ? "agent hangs" : null;
    const words = [
      node.pause === "machine" ? "PAUSED" : null,
      node.role,
      `${node.disk}/${node.peerDisk}`,
      node.connection,
      node.frozen ? "FROZEN" : null,
      node.sync === "none" ? null : `sync ${node.sync}`,
      `generation ${node.current}${node.left === null ? "" : `, left ${node.left}`}`,
      `door ${node.door}`,
      node.t === "dead" ? null : `T ${node.t}`,
      node.disarmed.length > 0 ? "disarmed" : null,
      node.misses ? "lacks writes" : null,
      node.handler === "none" ? null : `handler ${node.handler}`,
      agent,
    ];
    return `${name} ${words.filter((word) => word !== null).join(" · ")}`;
  });
  const claims = Object.entries(w.witness.claims).map(
    ([folder, claim]) => `${folder} of ${claim.owner}${claim.released ? " (released)" : ""}`,
  );
  const links = [
    w.backend ? null : "backend cut",
    w.frontend ? null : "frontend cut",
    w.witness.up ? null : "witness down",
  ].filter((word) => word !== null);
  const rest = [...links, `${w.witness.incarnation}: ${claims.length === 0 ? "no claims" : claims.join(", ")}`];
  return [...nodes, `     ${rest.join(" · ")}`].join("\n");
}
