import { admissionregistration, type Provider } from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { type GuardPlan, guardPolicies } from "./mutation-policies.ts";

export interface MutationGuardArgs {
  readonly plan: GuardPlan;
  readonly provider: Provider;
  /** Where the API is; a destroy that takes it away asks the API for nothing. */
  readonly cluster: pulumi.Resource;
}

/** The policies of the mutation guard. None is in force: that takes the bindings of a state. */
export class MutationGuard extends pulumi.ComponentResource {
  constructor(name: string, { plan, provider, cluster }: MutationGuardArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:kubernetes:MutationGuard", name, {}, opts);
    for (const policy of guardPolicies(plan)) {
      const options = { parent: this, provider, deletedWith: cluster };
      new admissionregistration.v1.ValidatingAdmissionPolicy(policy.metadata.name, policy, options);
    }
    this.registerOutputs();
  }
}
