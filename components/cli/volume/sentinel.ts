import { Failure } from "../verb.ts";

/** Beside T's data on the volume: whose it is, and whether T was ever created on it. */
export interface Sentinel {
  readonly site: string;
  readonly state: "new" | "created";
  /** Hexadecimal, once it is created. */
  readonly memberId?: string;
}

export const SENTINEL = "tandem.json";

export function formatSentinel({ site, state, memberId }: Sentinel): string {
  return `${JSON.stringify({ site, state, memberId })}\n`;
}

/** @throws Failure for anything but what {@link formatSentinel} writes */
export function parseSentinel(text: string): Sentinel {
  const known = /^\{"site":"([a-z0-9-]+)","state":"(new|created)"(?:,"memberId":"([0-9a-f]{1,16})")?\}\n$/.exec(text);
  if (known === null) throw new Failure(`the volume's ${SENTINEL} is damaged: ${text.slice(0, 200)}`);
  const [, site = "", state, memberId] = known;
  return { site, state: state as Sentinel["state"], ...(memberId === undefined ? {} : { memberId }) };
}
