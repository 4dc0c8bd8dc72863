/** Actions that must happen however this process ends, SIGKILL excepted. */

const actions = new Set<() => void>();
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Registers a synchronous action for the end of the process; the returned function takes it back. */
export function atExit(action: () => void): () => void {
  if (actions.size === 0) installHandlers();
  actions.add(action);
  return () => actions.delete(action);
}

let installed = false;

function installHandlers(): void {
  if (installed) return;
  installed = true;
  process.on("exit", runActions);
  for (const [signal, number] of Object.entries(signals)) process.once(signal, () => process.exit(128 + number));
}

function runActions(): void {
  for (const action of actions) {
    try {
      action();
    } catch (error) {
      process.stderr.write(`✗ clean-up: ${error instanceof Error ? error.message : error}\n`);
    }
  }
}
