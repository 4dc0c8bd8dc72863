import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** What the engine is told of a resource. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  /** Names of the resources it waits for, those of its inputs included; a component stands for all its children. */
  readonly dependsOn: readonly string[];
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Keys of inputs that are secrets, wholly or in part. */
  readonly secrets: readonly string[];
}

// The mark of a secret in the engine's protocol.
const SECRET = "4dabf18193072939515e22adb298388d";

type Struct = { toJavaScript(): Record<string, unknown> };

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
  getObject(): Struct;
}

/**
 * Stands for the engine from now on.
 * @param outputs every resource has its inputs as outputs, and these, whose values are `<name of the resource> <output>`
 * @returns everything that a program registers, as it comes
 */
export async function recordRegistrations(outputs: readonly string[]): Promise<readonly Registered[]> {
  const registered: Registered[] = [];
  // Pulumi's own stand-in tells a test of no dependencies.
  const register = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (this: MockMonitor, request: Request, callback) {
    const inputs = request.getObject().toJavaScript();
    registered.push({
      type: request.getType(),
      name: request.getName(),
      parent: nameIn(request.getParent()),
      dependsOn: request.getDependenciesList().map(nameIn),
      inputs,
      secrets: Object.keys(inputs).filter((key) => JSON.stringify(inputs[key])?.includes(SECRET)),
    });
    return register.call(this, request, callback);
  };
  await pulumi.runtime.setMocks({
    newResource: ({ name, inputs }) => {
      const made = Object.fromEntries(outputs.map((output) => [output, `${name} ${output}`]));
      return { id: `${name}-id`, state: { ...inputs, ...made } };
    },
    call: () => ({}),
  });
  return registered;
}

function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
