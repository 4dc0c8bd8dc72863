import { loggingValues } from "./output.ts";
import type { Context, ResourceType } from "./resource.ts";
import type { Properties } from "./wire.ts";

export type Run = (command: string, inputs: Properties, state: Properties, context: Context) => Promise<Properties>;

/** The verbs that the local and the remote command share; `run` is what differs. */
export function commandResource(run: Run, ownFields: readonly string[], required: readonly string[]): ResourceType {
  return {
    fields: [
      "create",
      "update",
      "delete",
      "triggers",
      "stdin",
      "environment",
      "logging",
      "addPreviousOutputInEnv",
      ...ownFields,
    ],
    required,
    replaceOn: ["triggers"],
    outputs: ["stdout", "stderr"],
    problems: ({ logging }) =>
      logging === undefined || loggingValues.includes(String(logging))
        ? []
        : [{ property: "logging", reason: `is ${JSON.stringify(logging)}; allowed are ${loggingValues.join(", ")}` }],
    create: async (inputs, context) =>
      inputs.create === undefined ? noOutput : run(String(inputs.create), inputs, noOutput, context),
    update: async (inputs, state, context) => {
      const command = inputs.update ?? inputs.create;
      if (command === undefined) return { stdout: state.stdout, stderr: state.stderr };
      return run(String(command), inputs, state, context);
    },
    remove: async (state, context) => {
      if (state.delete !== undefined) await run(String(state.delete), state, state, context);
    },
  };
}

const noOutput = { stdout: "", stderr: "" };
