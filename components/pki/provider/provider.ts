import { randomUUID } from "node:crypto";
import type { CheckResult, CreateResult, DiffResult, Provider, UpdateResult } from "@pulumi/pulumi/provider/index.js";
import { authorityType } from "./authority.ts";
import { certificateType } from "./certificate.ts";
import { clusterIdentityType } from "./cluster-identity.ts";
import type { Failure } from "./problems.ts";
import { sharedKeyType } from "./shared-key.ts";
import { same } from "./validity.ts";
import { type Properties, plain, secret } from "./values.ts";

interface ResourceType {
  readonly inputs: readonly string[];
  /** Outputs that are no inputs. */
  readonly outputs: readonly string[];
  readonly secretOutputs: readonly string[];
  /** A changed input of these makes a new resource. */
  readonly replaceOn: readonly string[];
  readonly check: (
    olds: Properties,
    news: Properties,
    now: Date,
    urn: string,
  ) => { inputs: Properties; failures: Failure[] };
  readonly create: (inputs: never) => Promise<object>;
  /** undefined: the outputs stay. */
  readonly update: (inputs: never, state: never) => Promise<object | undefined>;
}

const types: { readonly [token: string]: ResourceType } = {
  "tandem:pki:Authority": authorityType,
  "tandem:pki:Certificate": certificateType,
  "tandem:pki:SharedKey": sharedKeyType,
  "tandem:kubernetes:RecordedIdentity": clusterIdentityType,
};

/** Pulumi resource provider of the package `tandem`: what is kept in the stack's state and nowhere else, keys and certificates above all. */
export class PkiProvider implements Provider {
  readonly version = "1.0.0";
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  async check(urn: string, olds: Properties, news: Properties): Promise<CheckResult> {
    const { inputs, failures } = typeOf(urn).check(plain(olds), plain(news), this.#now(), urn);
    // What came as a secret stays one: these are what the state file holds.
    return { inputs: { ...inputs, ...news }, failures };
  }

  async diff(_id: string, urn: string, olds: Properties, news: Properties): Promise<DiffResult> {
    const type = typeOf(urn);
    const [before, after] = [plain(olds), plain(news)];
    const changed = type.inputs.filter((name) => !same(before, after, [name]));
    return { changes: changed.length > 0, replaces: changed.filter((name) => type.replaceOn.includes(name)) };
  }

  async create(urn: string, inputs: Properties): Promise<CreateResult> {
    const type = typeOf(urn);
    return { id: randomUUID(), outs: { ...inputs, ...marked(type, await type.create(plain(inputs) as never)) } };
  }

  async update(_id: string, urn: string, olds: Properties, news: Properties): Promise<UpdateResult> {
    const type = typeOf(urn);
    const reissued = await type.update(plain(news) as never, plain(olds) as never);
    const kept = Object.fromEntries(type.outputs.map((name) => [name, olds[name]]));
    return { outs: { ...news, ...(reissued ? marked(type, reissued) : kept) } };
  }
}

function marked({ secretOutputs }: ResourceType, outputs: object): Properties {
  return Object.fromEntries(
    Object.entries(outputs).map(([name, value]) => [name, secretOutputs.includes(name) ? secret(value) : value]),
  );
}

/** A URN ends in `::<parent types>$<type>::<name>`. */
function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").pop() ?? "";
  const type = types[token];
  if (!type) throw new Error(`the package tandem has no type ${token}; it has ${Object.keys(types).join(" and ")}`);
  return type;
}
