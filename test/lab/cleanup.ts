/** Actions that must happen however this process ends, SIGKILL excepted. */

const actions = new Set<() => void>();
const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
let installed = false;

/** Registers a synchronous action for the end of the process; the returned function takes it back. */
export function atExit(action: () => void): () => void {
  if (!installed) installHandlers();
  installed = true;
  actions.add(action);
  return () => actions.delete(action);
}

function installHandlers(): void {
  process.on("exit", runActions);
  for (const [signal, number] of Object.entries(signals))
    process.on(signal, () => {
      // A program that handles the signal itself ends when it wants to.
      if (process.listenerCount(signal) !== 1) return;
      // Not only by the exit: a test runner keeps its workers from exiting by themselves, and then kills them.
      runActions();
      process.exit(128 + number);
    });
}

function runActions(): void {
  for (const action of actions) {
    actions.delete(action);
    try {
      action();
    } catch (error) {
      process.stderr.write(`✗ clean-up: ${error instanceof Error ? error.message : error}\n`);
    }
  }
}
