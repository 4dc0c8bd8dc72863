import { initialState, step } from "./core.ts";
import { say } from "./journal.ts";
import { AsideMark } from "./linux/aside.ts";
import { AsideAnswer } from "./linux/aside-answer.ts";
import { NodeObjects } from "./linux/node-objects.ts";
import { OutOfServiceTaint } from "./linux/out-of-service.ts";
import { LinuxWorld } from "./linux.ts";
import { overrideReport } from "./override-report.ts";
import { ASIDE, ASIDE_PORT, SETTINGS } from "./paths.ts";
import { readSettings } from "./settings.ts";
import { statusReport } from "./status.ts";
import type { Event } from "./world.ts";

/** The daemon: events one at a time, each decided by the core and carried out before the next. */
async function main(): Promise<void> {
  const settings = readSettings(SETTINGS);
  let state = initialState(settings.core);
  const queue: Event[] = [];
  let busy = false;
  const hints = [
    new AsideMark(ASIDE),
    ...(settings.tellsBalancer ? [new AsideAnswer({ host: settings.own.frontend, port: ASIDE_PORT })] : []),
  ];

  function post(event: Event): void {
    queue.push(event);
    if (busy) return;
    busy = true;
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const decided = step(state, next);
      state = decided.state;
      world.perform(decided.actions);
    }
    busy = false;
    for (const hint of hints) hint.set(state.lost !== null);
  }

  const world = new LinuxWorld(settings, post);
  const taint =
    settings.kubernetes === null
      ? undefined
      : new OutOfServiceTaint({
          self: settings.core.node,
          sibling: settings.core.sibling,
          nodes: new NodeObjects(settings.kubernetes),
          state: () => state,
          fresh: () => world.look().then(() => state),
        });
  await world.start({
    status: (local) => statusReport(state, local, taint?.report ?? null),
    override: (local, lastHello) => overrideReport(state, local, lastHello),
  });
  say("info", `tandem agent of ${settings.core.node}, site ${settings.core.site}, is deciding`);
}

// Whatever is not understood ends the agent: systemd starts it again, and it reads everything anew.
process.on("uncaughtException", (error) => {
  say("alarm", `the agent ends: ${error.stack ?? error}`);
  process.exit(1);
});

await main();
