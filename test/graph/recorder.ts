import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks.js";

/** What the engine is told of a resource. */
export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly parent: string;
  /** URNs of former parents. */
  readonly formerParents: readonly string[];
  /** Names of the resources it waits for, those of its inputs included; a component stands for all its children. */
  readonly dependsOn: readonly string[];
  /** Name of the provider that was named for it; empty for a default one. */
  readonly provider: string;
  /** Name of the resource that takes it along when it is deleted; empty for none. */
  readonly deletedWith: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Keys of inputs that are secrets, wholly or in part. */
  readonly secrets: readonly string[];
  /** Keys of outputs that are secrets whatever the provider says. */
  readonly secretOutputs: readonly string[];
}

// The mark of a secret in the engine's protocol.
const SECRET = "4dabf18193072939515e22adb298388d";

/** What a program registered, and how its commands wait for each other. */
export class Recording {
  readonly registered: readonly Registered[];

  constructor(registered: readonly Registered[]) {
    this.registered = registered;
  }

  /** Registrations are made in later turns: until no more come. */
  async settled(): Promise<void> {
    for (let seen = -1; seen !== this.registered.length; ) {
      seen = this.registered.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }

  get commands(): Registered[] {
    return this.registered.filter(({ type }) => type === "command:remote:Command");
  }

  command(name: string): Registered {
    const found = this.commands.find((each) => each.name === name);
    if (found === undefined) {
      const names = this.commands.map((each) => each.name);
      throw new Error(`no command is named ${name}; there are ${names.join(", ")}`);
    }
    return found;
  }

  /** Whether one command waits for another, directly or through others. What a component waits for, its children wait for. */
  isAfter(later: string, earlier: string): boolean {
    const seen = new Set<string>();
    const look = (name: string): boolean => {
      if (name === earlier) return true;
      if (seen.has(name)) return false;
      seen.add(name);
      const same = this.registered.filter((each) => each.name === name);
      return same.some(({ dependsOn, parent }) => [...dependsOn, parent].some(look));
    };
    return look(later);
  }
}

type Struct = { toJavaScript(): Record<string, unknown> };

interface Request {
  getType(): string;
  getName(): string;
  getParent(): string;
  getAliasesList(): { getSpec(): { getParenturn(): string } | undefined }[];
  getDependenciesList(): string[];
  getProvider(): string;
  getDeletedwith(): string;
  getObject(): Struct;
  getAdditionalsecretoutputsList(): string[];
}

/**
 * Stands for the engine from now on.
 * @param outputs every resource has its inputs as outputs, and these, whose values are `<name of the resource> <output>`
 * @param printed what commands print instead, by their names
 * @returns everything that a program registers, as it comes
 */
export async function recordRegistrations(
  outputs: readonly string[],
  printed: Readonly<Record<string, string>> = {},
): Promise<Recording> {
  const registered: Registered[] = [];
  // Pulumi's own stand-in tells a test of no dependencies.
  const register = MockMonitor.prototype.registerResource;
  MockMonitor.prototype.registerResource = function (this: MockMonitor, request: Request, callback) {
    const inputs = request.getObject().toJavaScript();
    registered.push({
      type: request.getType(),
      name: request.getName(),
      parent: nameIn(request.getParent()),
      formerParents: request.getAliasesList().map((alias) => alias.getSpec()?.getParenturn() ?? ""),
      dependsOn: request.getDependenciesList().map(nameIn),
      // As `<urn>::<id>`.
      provider: request.getProvider().split("::").at(-2) ?? "",
      deletedWith: nameIn(request.getDeletedwith()),
      inputs,
      secretOutputs: request.getAdditionalsecretoutputsList(),
      secrets: Object.keys(inputs).filter((key) => JSON.stringify(inputs[key])?.includes(SECRET)),
    });
    return register.call(this, request, callback);
  };
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs }) => {
      const made = Object.fromEntries(outputs.map((output) => [output, `${name} ${output}`]));
      const stdout = printed[name];
      // The one output that is a list.
      const lists =
        Object.hasOwn(inputs, "rotation") && type === "tandem:pki:SharedKey" ? { predecessorsBase64: [] } : {};
      return { id: `${name}-id`, state: { ...inputs, ...made, ...lists, ...(stdout === undefined ? {} : { stdout }) } };
    },
    call: () => ({}),
  });
  return new Recording(registered);
}

function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
