import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import type { Proof } from "./bundle-type.ts";
import type { Machine } from "./machine.ts";
import { isActive, journalOf } from "./units.ts";

const POLL_MS = 250;

const LOOK_LIMIT_MS = 10_000;

/** Waits until a proof holds. @throws Failure when its time is up */
export async function prove(machine: Machine, proof: Proof): Promise<void> {
  const deadline = Date.now() + proof.withinSeconds * 1_000;
  for (;;) {
    const missing = await whatIsMissing(machine, proof);
    if (missing === undefined) return;
    if (Date.now() >= deadline) throw new Failure(await missing());
    await sleep(POLL_MS);
  }
}

/** @returns undefined if the proof holds, or what tells that it does not */
async function whatIsMissing(machine: Machine, proof: Proof): Promise<(() => string | Promise<string>) | undefined> {
  const after = `${proof.withinSeconds} s`;
  switch (proof.kind) {
    case "active": {
      if (await isActive(machine, proof.unit)) return undefined;
      return async () =>
        `${proof.unit} is not active ${after} after it was started${await journalOf(machine, proof.unit)}`;
    }
    case "listening": {
      const { address, port } = proof;
      if (await answers(address, port)) return undefined;
      return () =>
        `nothing answers at ${address} port ${port} after ${after}; see \`ss -ltn\` and the journal of the service`;
    }
    case "succeeds": {
      const ended = await machine.run(proof.command, { timeoutMs: LOOK_LIMIT_MS });
      if (ended.code === 0) return undefined;
      return () =>
        `\`${proof.command.join(" ")}\` still fails after ${after}; see the journal of the service${lastLines(`${ended.stdout}${ended.stderr}`)}`;
    }
  }
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
