import type { Failure } from "./problems.ts";
import { isUnknown, type Properties } from "./values.ts";

/** Of the cluster in which a stack has made objects. It never changes: what the state says of objects holds in that cluster alone. */
export const clusterIdentityType = {
  inputs: ["uid"],
  outputs: [],
  secretOutputs: [],
  replaceOn: [],
  check(olds: Properties, news: Properties, _now: Date, urn: string): { inputs: Properties; failures: Failure[] } {
    const isSame = olds.uid === undefined || isUnknown(news.uid) || news.uid === olds.uid;
    const reason =
      `uid was ${olds.uid} when this stack made its objects, and the cluster that answers now has ${news.uid}; none is made or changed in it. ` +
      "If it is another site's, correct the address of the API in the configuration. If this site's cluster was built anew, let the stack forget what it made in the " +
      `old one, and run \`pulumi up\` again: pulumi state delete --target-dependents '${urn}'`;
    return { inputs: news, failures: isSame ? [] : [{ property: "uid", reason }] };
  },
  async create(): Promise<object> {
    return {};
  },
  async update(): Promise<undefined> {
    return undefined;
  },
};
