import type { ClaimKey, WitnessAnswer, WitnessRequest } from "../../components/arbiter/agent/world.ts";
import { type SimWorld, type Twist, token } from "./world.ts";

const folder = (key: ClaimKey): string => `${key.gen}.${key.k}`;

/** Requests that change nothing at the witness. */
export const ONLY_READS: ReadonlySet<WitnessRequest["verb"]> = new Set(["incarnation", "owner", "released"]);

/** Carries out a request as nginx with WebDAV on the tmpfs does, and answers. Replaces, never changes, the tree. */
export function serve(w: SimWorld, node: string, request: WitnessRequest, twist: Twist): WitnessAnswer {
  const answer = carryOut(w, node, request, twist);
  return twist.answer === undefined ? answer : twist.answer(answer, request);
}

function carryOut(w: SimWorld, node: string, request: WitnessRequest, twist: Twist): WitnessAnswer {
  const { witness } = w;
  const status = (code: number, body = ""): WitnessAnswer => ({ status: code, body });
  if (request.verb === "incarnation") return status(200, witness.incarnation);
  if (request.verb === "collect") {
    if (request.incarnation !== witness.incarnation) return status(404);
    const past = (name: string): boolean => request.past.some((gen) => name.includes(`${gen}.`));
    witness.claims = Object.fromEntries(Object.entries(witness.claims).filter(([name]) => !past(name)));
    witness.staging = witness.staging.filter((name) => !past(name));
    return status(204);
  }
  const { key } = request;
  // A request names the tree it was meant for; that tree is gone with its incarnation.
  if (key.incarnation !== witness.incarnation) return status(request.verb === "move" ? 409 : 404);
  const claim = witness.claims[folder(key)];
  const staged = `${node}-${folder(key)}`;
  switch (request.verb) {
    case "stage":
      if (!witness.staging.includes(staged)) witness.staging = [...witness.staging, staged].sort();
      return status(201);
    case "move":
      if (claim !== undefined && !twist.without?.includes("exclusive claim")) return status(412);
      if (!witness.staging.includes(staged)) return status(404);
      witness.staging = witness.staging.filter((other) => other !== staged);
      witness.claims = { ...witness.claims, [folder(key)]: { owner: node, released: false } };
      return status(201);
    case "owner":
      return claim === undefined ? status(404) : status(200, claim.owner);
    case "released":
      return claim?.released === true ? status(200) : status(404);
    case "release":
      if (claim === undefined) return status(409);
      witness.claims = { ...witness.claims, [folder(key)]: { ...claim, released: true } };
      return status(201);
  }
}

/** The tmpfs is mounted anew: another token and an empty tree, made together. */
export function restart(w: SimWorld, twist: Twist): void {
  w.witness.claims = {};
  if (twist.without?.includes("sticky claims")) return;
  w.witness.incarnation = token(w, "tree");
  w.witness.staging = [];
}
