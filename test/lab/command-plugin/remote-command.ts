import { constants } from "node:os";
import type { Client, ClientChannel } from "ssh2";
import { commandResource } from "./command.ts";
import { type Connection, dial, keepaliveLimitMs } from "./connection.ts";
import { Output, previousOutputs } from "./output.ts";
import type { Context, ResourceType } from "./resource.ts";
import type { Properties } from "./wire.ts";

export const remoteCommand: ResourceType = commandResource(run, ["connection"], ["connection"]);

async function run(command: string, inputs: Properties, state: Properties, context: Context): Promise<Properties> {
  const output = new Output(inputs.logging, context.log);
  const client = await dial(inputs.connection as Connection, context);
  try {
    const environment = { ...(inputs.environment as Record<string, string>), ...previousOutputs(inputs, state) };
    const channel = await execute(client, command, environment);
    channel.on("data", (chunk: Buffer) => output.add("stdout", chunk));
    channel.stderr.on("data", (chunk: Buffer) => output.add("stderr", chunk));
    channel.end(String(inputs.stdin ?? ""));
    const problem = await end(client, channel);
    output.end();
    if (problem) throw output.failure(problem, command);
  } finally {
    client.end();
  }
  return output.outputs;
}

function execute(client: Client, command: string, environment: Record<string, string>): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new Error("ssh: connection closed before the command began")));
    client.exec(command, { env: environment }, (error, channel) => (error ? reject(error) : resolve(channel)));
  });
}

/** Why the command failed, in the words of the real plugin, or undefined. */
function end(client: Client, channel: ClientChannel): Promise<string | undefined> {
  return new Promise((resolve) => {
    let problem: string | undefined = "wait: remote command exited without exit status or exit signal";
    client.on("error", (error: Error & { level?: string }) => {
      if (error.level === "client-timeout")
        problem = `connection lost, no answer to keepalives for ${keepaliveLimitMs / 1000} s`;
    });
    channel.on("exit", (code: number | null, signal?: string) => {
      if (code === 0) problem = undefined;
      else if (code !== null) problem = `Process exited with status ${code}`;
      else {
        const number = constants.signals[signal as NodeJS.Signals] ?? 0;
        problem = `Process exited with status ${128 + number} from signal ${signal?.replace(/^SIG/, "")}`;
      }
    });
    channel.on("close", () => resolve(problem));
    client.on("close", () => resolve(problem));
  });
}
