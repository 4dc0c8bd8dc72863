import type { Properties } from "./wire.ts";

/** What one call of the engine brings along. */
export interface Context {
  /** Aborted when the resource's time limit passes, or with the reason "cancelled" when the user gives up. */
  readonly signal: AbortSignal;
  /** A line beside the resource while it is worked on. */
  readonly log: (line: string) => void;
}

/** One resource type of the plugin. All values are plain: no secret marks, no unknowns, defaults filled in. */
export interface ResourceType {
  readonly fields: readonly string[];
  readonly required: readonly string[];
  /** A changed field of these makes a new resource. */
  readonly replaceOn: readonly string[];
  /** Outputs that are no inputs. */
  readonly outputs: readonly string[];
  /** Reasons against the inputs, by field, beyond missing and unknown fields. */
  readonly problems: (inputs: Properties) => { property: string; reason: string }[];
  /** The values of {@link outputs}. */
  readonly create: (inputs: Properties, context: Context) => Promise<Properties>;
  readonly update: (inputs: Properties, state: Properties, context: Context) => Promise<Properties>;
  readonly remove: (state: Properties, context: Context) => Promise<void>;
}
