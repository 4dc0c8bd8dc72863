import { Failure } from "../verb.ts";
import type { Answer, Question, WitnessAddress } from "./exchange.ts";

export type Ask = (question: Question) => Promise<Answer>;

/** No volume ever has this generation: DRBD uses it for "none". */
const NO_GENERATION = "0000000000000000";

/**
 * Claims a generation that does not exist, twice, and takes it back: what an agent will do, in the same order.
 * @param k number of the claim, different on the two nodes, which may check at the same time
 * @throws Failure saying what the witness does otherwise than the protocol needs
 */
export async function checkWitness(ask: Ask, { site, node, url }: WitnessAddress, k: number): Promise<void> {
  const told = (what: string, answer: Answer) => explain(`${url}/${site}`, what, answer);
  const incarnation = await readIncarnation(ask, told);
  const staging = `${incarnation}/staging/${node}-${NO_GENERATION}.${k}/`;
  const claim = `${incarnation}/claims/${NO_GENERATION}.${k}/`;
  const must = async (what: string, question: Question, allowed: readonly number[], why?: string) => {
    const answer = await ask(question);
    if ("status" in answer && allowed.includes(answer.status)) return answer;
    throw new Failure(why === undefined ? told(what, answer) : `${told(what, answer)} ${why}`);
  };
  const clear = async () => {
    for (const path of [claim, staging]) await must("the deletion of a folder", { method: "DELETE", path }, [204, 404]);
  };
  const stage = async () => {
    await must("MKCOL in the staging folder", { method: "MKCOL", path: staging }, [201]);
    await must("PUT in the staging folder", { method: "PUT", path: `${staging}owner`, body: node }, [201, 204]);
  };
  const move: Question = { method: "MOVE", path: staging, destination: claim };

  await clear();
  await stage();
  await must("the MOVE of a staged folder to a claim", move, [201]);
  const owner = await must("the owner of a claim", { method: "GET", path: `${claim}owner` }, [200]);
  if (owner.body !== node)
    throw new Failure(
      `${url}/${site}: the claim moved by ${node} says its owner is ${JSON.stringify(owner.body)}; the folder must be moved with what is in it.`,
    );
  const listing = await must("the listing of the claims", { method: "GET", path: `${incarnation}/claims/` }, [200]);
  if (!lists(listing.body, `${NO_GENERATION}.${k}`))
    throw new Failure(
      `${url}/${site}: the listing of the claims is no JSON array that names them, so old claims would never be cleared away and the ` +
        "witness would fill up; with nginx set `autoindex on` and `autoindex_format json`.",
    );
  await stage();
  await must(
    "the MOVE onto a claim that exists",
    move,
    [412, 405],
    "With this witness both nodes could win; it must honour `Overwrite: F`.",
  );
  await must("PUT of `released`", { method: "PUT", path: `${claim}released`, body: node }, [201, 204]);
  await clear();
}

function lists(json: string, name: string): boolean {
  try {
    return (JSON.parse(json) as { name?: unknown }[]).some((entry) => entry.name === name);
  } catch {
    return false;
  }
}

async function readIncarnation(ask: Ask, told: (what: string, answer: Answer) => string): Promise<string> {
  const answer = await ask({ method: "GET", path: "incarnation" });
  if (!("status" in answer) || answer.status !== 200) throw new Failure(told("the incarnation token", answer));
  if (!/^[A-Za-z0-9-]{1,64}$/.test(answer.body)) {
    throw new Failure(`${told("the incarnation token", answer)} A token is 1 to 64 letters, digits and dashes.`);
  }
  return answer.body;
}

/** One sentence for what came instead of what the protocol needs. */
function explain(where: string, what: string, answer: Answer): string {
  if ("failure" in answer) return `${where} cannot be asked for ${what}: ${reasons[answer.failure] ?? answer.failure}.`;
  return `${where} answered ${what} with ${answer.status}: ${meanings[answer.status] ?? "the protocol has no such answer; see the documentation of the witness"}.`;
}

const untrusted =
  "its certificate is not signed by the authority in witness.caCertificate; give the right authority, or correct the server's certificate";

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there; start the web server, or correct the address",
  EHOSTUNREACH: "there is no route to it; check the network and firewalls between this node and the witness",
  ENETUNREACH: "there is no route to it; check this node's routes",
  ETIMEDOUT: "it does not answer; check firewalls between this node and the witness",
  ENOTFOUND: "its name cannot be resolved on this node; give an address, or correct the name service",
  EAI_AGAIN: "its name cannot be resolved on this node; give an address, or correct the name service",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name; correct the address, or the server's certificate",
  CERT_HAS_EXPIRED: "its certificate has expired; renew it",
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
};

const meanings: Readonly<Record<number, string>> = {
  400: "it refused this node's client certificate, or the request; compare the authority it trusts with the certificate under witness.credentials",
  401: "it refused this node; a witness knows nodes by their client certificates",
  403: "it refused this node; a node needs to read the site's folder, and to write its own staging folders and the claims",
  404: "there is no such folder; the site's folder with `incarnation` and `<incarnation>/{staging,claims}/` must be made on the witness",
  405: "it does not offer WebDAV there; PUT, DELETE, MKCOL and MOVE are needed",
  409: "the folder above is missing; the incarnation's `staging` and `claims` must exist",
  413: "it refuses even a few bytes as too large; raise its limit for request bodies",
  500: "it failed; see its error log (a full file system, or a folder that its user cannot write)",
  501: "it does not offer WebDAV there; PUT, DELETE, MKCOL and MOVE are needed",
  507: "its storage is full; give it room, and clear what is not a claim",
};
