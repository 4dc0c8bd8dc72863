import { runtime } from "@pulumi/pulumi";
import { PkiProvider } from "../../../components/pki/provider/provider.ts";

export type Properties = { [name: string]: unknown };

export interface Resource {
  readonly id: string;
  /** As check has left them. */
  readonly inputs: Properties;
  /** With secrets wrapped, as the state holds it. */
  readonly state: Properties;
}

/** Does with the provider what the engine does in an `up`, at a time of the test's choosing. */
export class ProviderRun {
  now = new Date("2030-01-01T12:00:00Z");
  readonly provider = new PkiProvider(() => this.now);
  readonly #urn: string;

  /** @param type `Authority` or `Certificate` */
  constructor(type: string) {
    this.#urn = `urn:pulumi:s::p::tandem:pki:SitePki$tandem:pki:${type}::name`;
  }

  passDays(days: number): void {
    this.now = new Date(this.now.getTime() + days * 86_400_000);
  }

  /** The messages of check. */
  async problems(news: Properties): Promise<string[]> {
    const { failures } = await this.provider.check(this.#urn, {}, news);
    return (failures ?? []).map(({ reason }) => reason);
  }

  async create(news: Properties): Promise<Resource> {
    const { inputs } = await this.#checked({}, news);
    const { id, outs } = await this.provider.create(this.#urn, inputs);
    return { id: String(id), inputs, state: outs };
  }

  /** What the preview says about the inputs: `same`, `replace`, or the changed properties of an update. */
  async preview(old: Resource, news: Properties): Promise<"same" | "replace" | string[]> {
    const { inputs } = await this.#checked(old.inputs, news);
    const { changes, replaces } = await this.provider.diff(old.id, this.#urn, old.state, inputs);
    if (!changes) return "same";
    if (replaces?.length) return "replace";
    return Object.keys(inputs).filter(
      (name) => JSON.stringify(plain(inputs[name])) !== JSON.stringify(plain(old.inputs[name])),
    );
  }

  async update(old: Resource, news: Properties): Promise<Resource> {
    const { inputs } = await this.#checked(old.inputs, news);
    const { outs } = await this.provider.update(old.id, this.#urn, old.state, inputs);
    return { id: old.id, inputs, state: outs };
  }

  async #checked(olds: Properties, news: Properties): Promise<{ inputs: Properties }> {
    const { inputs, failures } = await this.provider.check(this.#urn, olds, news);
    if (failures?.length) throw new Error(failures.map(({ reason }) => reason).join("\n"));
    return { inputs };
  }
}

export function plain(value: unknown): unknown {
  return runtime.unwrapRpcSecret(value);
}

export function text(resource: Resource, output: string): string {
  return String(plain(resource.state[output]));
}

/** Names of the outputs that the state holds as secrets. */
export function secretOutputs({ state }: Resource): string[] {
  return Object.keys(state).filter((name) => runtime.isRpcSecret(state[name]));
}
