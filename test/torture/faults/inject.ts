import type { Fault } from "../schedule.ts";
import { jumpClock } from "./clock.ts";
import { harmDisk } from "./disk.ts";
import type { Bench, Heal } from "./fault.ts";
import { impair } from "./impairments.ts";
import { cutLink, flap } from "./network.ts";
import { cutPower, pauseMachine, rollingRestart } from "./power.ts";
import { sendSignal, setTrap } from "./process.ts";
import { replaceMachine } from "./replace.ts";
import { harmWitness } from "./witness.ts";

/** Makes a fault. @throws Skipped if another fault is in its way */
export function inject(bench: Bench, fault: Fault): Promise<Heal> {
  switch (fault.kind) {
    case "power":
      return cutPower(bench, fault);
    case "cut":
      return cutLink(bench, fault);
    case "flap":
      return flap(bench, fault);
    case "impair":
      return impair(bench, fault);
    case "pause":
      return pauseMachine(bench, fault);
    case "signal":
      return sendSignal(bench, fault);
    case "race":
      return setTrap(bench, fault);
    case "witness":
      return harmWitness(bench, fault);
    case "disk":
      return harmDisk(bench, fault);
    case "clock":
      return jumpClock(bench, fault);
    case "rolling restart":
      return rollingRestart(bench, fault);
    case "replace":
      return replaceMachine(bench, fault);
  }
}
