import { setTimeout as sleep } from "node:timers/promises";
import type { FaultOf } from "../schedule.ts";
import { answering, type Bench, type Heal, ifAnswering, Skipped } from "./fault.ts";

const units = {
  etcd: "etcd.service",
  T: "etcd-transient.service",
  agent: "tandem-agent.service",
  nginx: "nginx.service",
} as const;

export async function sendSignal(bench: Bench, fault: FaultOf<"signal">): Promise<Heal> {
  const unit = units[fault.program];
  const guest = answering(bench, fault.where);
  const { code } = await guest.run(`systemctl -q is-active ${unit}`, { check: false });
  if (code !== 0) throw new Skipped(`${fault.program} does not run on ${fault.where}`);
  await guest.run(`systemctl kill --signal=${fault.signal} ${unit}`);
  if (fault.signal === "KILL") return async () => {};
  return () => ifAnswering(bench, fault.where, `systemctl kill --signal=CONT ${unit}`);
}

/** Told to the agent by the unit's drop-in, which {@link armRaces} makes; see components/arbiter/agent/linux/race.ts. */
const trapFile = "/run/tandem/race";
const trapLimitMs = 40_000;
const lookMs = 100;
/** A caught agent has ended or stands still, and each look costs its machine a login. */
const trapLookMs = 500;
const offMs = 3000;

/** Lets the agents of a site be caught; done once. */
export async function armRaces(bench: Bench, where: "n1" | "n2"): Promise<void> {
  const folder = "/etc/systemd/system/tandem-agent.service.d";
  const text = `[Service]\nEnvironment=TANDEM_RACE=${trapFile}\n`;
  await bench.lab.guest(where).run(`mkdir -p ${folder} && cat >${folder}/race.conf && sync`, { input: text });
  await bench.lab.guest(where).run("systemctl daemon-reload && systemctl restart tandem-agent");
}

export async function setTrap(bench: Bench, { where, point, act }: FaultOf<"race">): Promise<Heal> {
  await untilAnswering(bench, where);
  const trap = { point, signal: act === "kill" ? "SIGKILL" : "SIGSTOP" };
  await bench.lab.guest(where).run(`cat >${trapFile}.new && mv ${trapFile}.new ${trapFile}`, {
    input: JSON.stringify(trap),
  });
  let over = false;
  const watching = watchTrap(bench, { where, point, act }, () => over);
  const heal = async () => {
    over = true;
    if (!(await watching)) bench.notTried(`the agent of ${where} did not come to ${point}`);
    await ifAnswering(bench, where, `rm -f ${trapFile}; systemctl kill --signal=CONT tandem-agent.service`);
  };
  // One that stands still does so for the rest of the time.
  return act === "stop" ? heal : Object.assign(heal, { done: watching });
}

/** @returns whether the agent walked into it */
async function watchTrap(
  bench: Bench,
  { where, point, act }: Omit<FaultOf<"race">, "kind">,
  over: () => boolean,
): Promise<boolean> {
  for (; !over(); await sleep(trapLookMs)) {
    if (bench.power.whyDeaf(where)) return false;
    const look = bench.lab.guest(where).run(`test -e ${trapFile}`, { check: false, timeoutMs: 3000 });
    // 1: it is gone. 255 would be the connection.
    const caught = await look.then(
      ({ code }) => code === 1,
      () => false,
    );
    if (!caught) continue;
    bench.note(`the agent of ${where} was caught ${point}: ${act}`);
    if (act !== "power") return true;
    await bench.power.cut(where);
    await sleep(offMs);
    await bench.power.on(where);
    return true;
  }
  return false;
}

async function untilAnswering(bench: Bench, where: "n1" | "n2"): Promise<void> {
  const deadline = performance.now() + trapLimitMs;
  while (bench.power.whyDeaf(where) && performance.now() < deadline) await sleep(lookMs);
  answering(bench, where);
}
