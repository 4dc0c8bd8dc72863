import { spawn } from "node:child_process";
import { commandResource } from "./command.ts";
import { Output, previousOutputs } from "./output.ts";
import type { Context, ResourceType } from "./resource.ts";
import type { Properties } from "./wire.ts";

export const localCommand: ResourceType = commandResource(run, ["interpreter", "dir"], []);

function run(command: string, inputs: Properties, state: Properties, context: Context): Promise<Properties> {
  const output = new Output(inputs.logging, context.log);
  const interpreter = inputs.interpreter as string[] | undefined;
  const [program, ...args] = (interpreter?.length ? interpreter : ["/bin/sh", "-c"]) as [string, ...string[]];
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...args, command], {
      cwd: (inputs.dir as string | undefined) ?? process.cwd(),
      env: { ...process.env, ...(inputs.environment as Record<string, string>), ...previousOutputs(inputs, state) },
      signal: context.signal,
      killSignal: "SIGKILL",
    });
    child.stdout.on("data", (chunk: Buffer) => output.add("stdout", chunk));
    child.stderr.on("data", (chunk: Buffer) => output.add("stderr", chunk));
    // A command that does not read its input closes the pipe; its exit code says how it went.
    child.stdin.on("error", () => {});
    child.stdin.end(String(inputs.stdin ?? ""));
    let spawnProblem: string | undefined;
    child.on("error", (error) => {
      if (child.pid === undefined) spawnProblem = error.message;
    });
    child.on("close", (code, signal) => {
      output.end();
      const problem = spawnProblem ?? (signal ? `signal: ${signal}` : code ? `exit status ${code}` : undefined);
      if (problem) reject(output.failure(problem, command));
      else resolve(output.outputs);
    });
  });
}
