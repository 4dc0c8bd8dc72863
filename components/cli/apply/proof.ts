import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "../verb.ts";
import type { Proof } from "./bundle-type.ts";
import type { Machine } from "./machine.ts";
import { isActive, journalOf } from "./units.ts";

const POLL_MS = 250;

/** Waits until a proof holds. @throws Failure when its time is up */
export async function prove(machine: Machine, proof: Proof): Promise<void> {
  const deadline = Date.now() + proof.withinSeconds * 1_000;
  do {
    if (await holds(machine, proof)) return;
    await sleep(POLL_MS);
  } while (Date.now() < deadline);
  if (proof.kind === "active") {
    throw new Failure(
      `${proof.unit} is not active ${proof.withinSeconds} s after it was started${await journalOf(machine, proof.unit)}`,
    );
  }
  throw new Failure(
    `nothing answers at ${proof.address} port ${proof.port} after ${proof.withinSeconds} s; see \`ss -ltn\` and the journal of the service`,
  );
}

function holds(machine: Machine, proof: Proof): Promise<boolean> {
  return proof.kind === "active" ? isActive(machine, proof.unit) : answers(proof.address, proof.port);
}

function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
