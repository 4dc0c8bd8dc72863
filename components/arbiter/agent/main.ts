import { Deciding, endAgent } from "./deciding.ts";
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

/** The daemon. */
async function main(): Promise<void> {
  const settings = readSettings(SETTINGS);
  const hints = [
    new AsideMark(ASIDE),
    ...(settings.tellsBalancer ? [new AsideAnswer({ host: settings.own.frontend, port: ASIDE_PORT })] : []),
  ];
  const deciding = new Deciding(
    settings.core,
    (actions) => world.perform(actions),
    ({ lost }) => {
      for (const hint of hints) hint.set(lost !== null);
    },
  );
  const world = new LinuxWorld(settings, (event) => deciding.post(event));
  const taint =
    settings.kubernetes === null
      ? undefined
      : new OutOfServiceTaint({
          self: settings.core.node,
          sibling: settings.core.sibling,
          nodes: new NodeObjects(settings.kubernetes),
          state: () => deciding.state,
          fresh: () => world.look().then(() => deciding.state),
        });
  await world.start({
    status: (local) => statusReport(deciding.state, local, taint?.report ?? null),
    override: (local, lastHello) => overrideReport(deciding.state, local, lastHello),
  });
  say("info", `tandem agent of ${settings.core.node}, site ${settings.core.site}, is deciding`);
}

process.on("uncaughtException", endAgent);

await main();
