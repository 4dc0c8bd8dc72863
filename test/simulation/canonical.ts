import type { State } from "../../components/arbiter/agent/core.ts";
import type { Side, SimNode, SimWorld } from "./world.ts";
import { opposite } from "./world.ts";

const cache = new WeakMap<State, string>();
const NAME = /(?:gen|tree|disarm)#\d+/g;
const shapes = new Map<string, number>();

/** A long text as a number for its shape and the names in it, which are what differs between worlds that are alike. */
function shorten(long: string): string {
  const names: string[] = [];
  const shape = long.replace(NAME, (name) => {
    names.push(name);
    return "#";
  });
  let id = shapes.get(shape);
  if (id === undefined) {
    id = shapes.size;
    shapes.set(shape, id);
  }
  return `${id}[${names.join()}]`;
}

/** What of an agent can change what it does: ids count only by what they match. */
function agentText(state: State): string {
  const known = cache.get(state);
  if (known !== undefined) return known;
  const { settings, bootId, nextId, runId, witnessPoll, exchange, collecting, membersId, gateFrom, ...rest } = state;
  const { notes, sibling, ...others } = rest;
  // Of an answer kept, the core uses these again; the rest counts only at the moment it comes.
  const hello =
    sibling === null
      ? null
      : [
          sibling.role,
          sibling.connection,
          sibling.disk,
          sibling.peerDisk,
          sibling.t,
          sibling.disarmed.length === 0,
          sibling.members,
        ];
  const text = shorten(
    JSON.stringify({
      ...others,
      hello,
      running: [...state.running].sort(),
      fired: [...state.fired].sort(),
      polled: membersId >= gateFrom,
      polling: witnessPoll !== null,
      asking: exchange !== null,
      collecting: collecting?.past ?? null,
      notes: { ...notes, connectedIn: notes.connectedIn === bootId, doorOpened: notes.doorOpened === bootId },
    }),
  );
  cache.set(state, text);
  return text;
}

function nodeText(w: SimWorld, side: Side): string {
  const node = w.nodes[side];
  const other = w.nodes[opposite(side)];
  const { agent, notes, boot, history, requests, answers, ...rest } = node;
  const pending = requests.map(({ id, request }) => [id === agent?.runId, request]);
  const coming = answers.map((answer) =>
    "hello" in answer
      ? [answer.id === agent?.exchange, { ...answer.hello, bootId: "" }]
      : [answer.id === agent?.witnessPoll, answer.witness],
  );
  return (
    shorten(JSON.stringify([rest, history.includes(other.current), pending, coming])) +
    (agent === null ? notesText(node, side) : agentText(agent))
  );
}

function notesText(node: SimNode, side: Side): string {
  const id = `n${side + 1}-${node.boot}`;
  const { connectedIn, doorOpened, ...rest } = node.notes;
  return JSON.stringify([rest, node.up && connectedIn === id, node.up && doorOpened === id]);
}

/** Terms matter by their order only. */
function etcdText(w: SimWorld): string {
  const { term, tTerm, leads, clock } = w.etcd;
  const all = [...term, ...tTerm, leads.E1, leads.E2, leads.T1, leads.T2];
  const order = [...new Set([0, ...all])].sort((a, b) => a - b);
  return `${all.map((value) => order.indexOf(value)).join(",")}${clock}`;
}

/** Two worlds with the same text behave alike: fresh names are numbered by appearance, unreachable claims left out. */
export function text(w: SimWorld): string {
  const nodes = nodeText(w, 0) + nodeText(w, 1);
  const known = new Set(nodes.match(NAME));
  const strays = JSON.stringify(w.witness.stray);
  const claims = Object.entries(w.witness.claims)
    .filter(([folder]) => known.has(folder.slice(0, folder.lastIndexOf("."))))
    .map(([folder, claim]) => `${folder}:${claim.owner}${claim.released ? "-" : "+"}`)
    .sort();
  const staging = w.witness.staging.filter((folder) => known.has(folder.slice(3, folder.lastIndexOf("."))));
  const raw = [
    nodes,
    strays,
    w.backend ? 1 : 0,
    w.frontend ? 1 : 0,
    w.session ? 1 : 0,
    w.witness.up ? 1 : 0,
    w.witness.incarnation,
    staging.join(),
    claims.join(),
    etcdText(w),
    w.faults,
    w.late,
  ].join("|");
  const names = new Map<string, string>();
  return raw.replace(NAME, (name) => {
    let short = names.get(name);
    if (short === undefined) {
      short = `#${names.size}`;
      names.set(name, short);
    }
    return short;
  });
}

/** 53 bits of a text: one number per state keeps millions of them in memory. */
export function hash(value: string): number {
  let a = 0xdeadbeef;
  let b = 0x41c6ce57;
  for (let i = 0; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    a = Math.imul(a ^ code, 2654435761);
    b = Math.imul(b ^ code, 1597334677);
  }
  a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
  b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
  return 4294967296 * (2097151 & b) + (a >>> 0);
}
