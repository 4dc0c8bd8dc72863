/** Gathers what a command prints, for the outputs and for the error text, and tells the lines on while they come. */
export class Output {
  readonly #chunks = { stdout: [] as Buffer[], stderr: [] as Buffer[], both: [] as Buffer[] };
  readonly #logged: ReadonlySet<string>;
  readonly #log: (line: string) => void;
  #partialLine = "";

  /** @param logging the input of this name; both streams where undefined */
  constructor(logging: unknown, log: (line: string) => void) {
    this.#logged = new Set(loggedStreams[(logging as keyof typeof loggedStreams | undefined) ?? "stdoutAndStderr"]);
    this.#log = log;
  }

  add(stream: "stdout" | "stderr", chunk: Buffer): void {
    this.#chunks[stream].push(chunk);
    this.#chunks.both.push(chunk);
    if (!this.#logged.has(stream)) return;
    const lines = (this.#partialLine + chunk.toString()).split("\n");
    this.#partialLine = lines.pop() as string;
    lines.forEach(this.#log);
  }

  end(): void {
    if (this.#partialLine) this.#log(this.#partialLine);
  }

  get outputs(): { stdout: string; stderr: string } {
    const text = (chunks: Buffer[]) => Buffer.concat(chunks).toString().replace(/\n$/, "");
    return { stdout: text(this.#chunks.stdout), stderr: text(this.#chunks.stderr) };
  }

  /** The plugin's error text: never the standard input, where secrets travel. */
  failure(problem: string, command: string): Error {
    return new Error(`${problem}: running ${JSON.stringify(command)}:\n${Buffer.concat(this.#chunks.both).toString()}`);
  }
}

const loggedStreams = {
  none: [],
  stdout: ["stdout"],
  stderr: ["stderr"],
  stdoutAndStderr: ["stdout", "stderr"],
};

export const loggingValues: readonly string[] = Object.keys(loggedStreams);

/** What an earlier run printed, as the environment in which the next one runs. */
export function previousOutputs(
  inputs: { addPreviousOutputInEnv?: unknown },
  state: { stdout?: unknown; stderr?: unknown },
) {
  const environment: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv === false) return environment;
  if (state.stdout) environment.PULUMI_COMMAND_STDOUT = String(state.stdout);
  if (state.stderr) environment.PULUMI_COMMAND_STDERR = String(state.stderr);
  return environment;
}
