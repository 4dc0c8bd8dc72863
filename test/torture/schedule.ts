/** What goes wrong, where and when: data that a seed makes, that a report shows and that can be run again. */

export type Node = "n1" | "n2";
export type Machine = Node | "w";
/** Two machines; the first is the one that "there" starts from. */
export type Link = "n1-n2" | "n1-w" | "n2-w";

export const nodes: readonly Node[] = ["n1", "n2"];
export const machines: readonly Machine[] = ["n1", "n2", "w"];
export const links: readonly Link[] = ["n1-n2", "n1-w", "n2-w"];

export type Direction = "both" | "there" | "back";
export const directions: readonly Direction[] = ["both", "there", "back"];

/** Where an agent can be stopped: a piece of work, a request to the witness, or an action of its core; see race.ts. */
export type RacePoint = `${"before" | "after" | "answered"} ${string}`;

export type Fault =
  /** Off at once, and on again. */
  | { kind: "power"; where: Machine }
  /** All frames of one or both directions dropped. The nodes have two networks between them. */
  | { kind: "cut"; where: Link; direction: Direction; net: "all" | "backend" }
  /** Cut and healed by turns. */
  | { kind: "flap"; where: Link; periodMs: number }
  /** What each end sends is lost (percent), sent late (ms) or sent twice (percent). */
  | { kind: "impair"; where: Link; direction: Direction; how: "loss" | "delay" | "duplicate"; amount: number }
  /** The whole machine stands still, its clock does not. With `leading` only if it has T and the leader. */
  | { kind: "pause"; where: Machine; leading?: true }
  | { kind: "signal"; where: Machine; program: "etcd" | "T" | "agent" | "nginx"; signal: "KILL" | "STOP" }
  /** The agent ends, stands still, or loses the machine's power, when it comes to a point. */
  | { kind: "race"; where: Node; point: RacePoint; act: "kill" | "stop" | "power" }
  | { kind: "witness"; how: "error 500" | "expired certificate" | "disk full" | "tree lost" }
  /** `etcd`: the regular member's disk; `T`: the volume's; `root`: the system's. */
  | { kind: "disk"; where: Node; disk: "etcd" | "T" | "root"; how: "full" | "error" | "slow" }
  | { kind: "clock"; where: Machine; shiftMs: number }
  /** Orderly restarts of node one and node two by turns, each as soon as the one before answers again. */
  | { kind: "rolling restart"; times: number }
  /** Lost for good, and a blank machine in its place, which `pulumi up` installs. */
  | { kind: "replace"; where: Machine };

export type FaultOf<K extends Fault["kind"]> = Extract<Fault, { kind: K }>;

export interface Step {
  /** Since the start of the schedule. */
  atMs: number;
  /** From then on; what lasts beyond the last step is healed at the end. */
  forMs: number;
  fault: Fault;
}

export interface Schedule {
  name: string;
  /** What it is an instance of; the report groups by it. */
  family: string;
  steps: readonly Step[];
  /**
   * The longest time without an acknowledged write, if the site has to survive what happens. Without it an outage is the
   * right answer to more than one failure, and only must not last.
   */
  gapLimitMs?: number;
}

/** One failure that a protected site has to survive: detection, claim and start of T, and H when the leader is displaced. */
export const singleFailureMs = 15_000;

/** One line. */
export function describeFault(fault: Fault): string {
  switch (fault.kind) {
    case "power":
      return `${fault.where} loses power`;
    case "cut":
      return `${fault.where} cut ${wayOf(fault)}${fault.net === "backend" ? " on the backend" : ""}`;
    case "flap":
      return `${fault.where} flaps every ${fault.periodMs} ms`;
    case "impair":
      return `${fault.where} ${fault.how} ${fault.amount}${fault.how === "delay" ? " ms" : " %"} ${wayOf(fault)}`;
    case "pause":
      return `${fault.where} stands still${fault.leading ? " while it leads" : ""}`;
    case "signal":
      return `SIG${fault.signal} to ${fault.program} of ${fault.where}`;
    case "race":
      return `agent of ${fault.where} ${fault.point}: ${fault.act}`;
    case "witness":
      return `witness: ${fault.how}`;
    case "disk":
      return `${fault.disk} disk of ${fault.where}: ${fault.how}`;
    case "clock":
      return `clock of ${fault.where} jumps ${fault.shiftMs / 60_000} min`;
    case "rolling restart":
      return `${fault.times} restarts in short order`;
    case "replace":
      return `${fault.where} replaced by a blank machine`;
  }
}

function wayOf({ direction }: { direction: Direction }): string {
  return direction === "both" ? "both ways" : direction;
}

/** Milliseconds until the last step is over. */
export function lengthMs({ steps }: Schedule): number {
  return Math.max(0, ...steps.map(({ atMs, forMs }) => atMs + forMs));
}
