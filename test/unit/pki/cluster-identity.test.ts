import { runtime } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { PkiProvider } from "../../../components/pki/provider/provider.ts";

const urn =
  "urn:pulumi:s::p::tandem:kubernetes:ClusterIdentity$tandem:kubernetes:RecordedIdentity::cluster-identity-record";
const provider = new PkiProvider(() => new Date());
const reasons = async (olds: object, news: object) =>
  ((await provider.check(urn, { ...olds }, { ...news })).failures ?? []).map(({ reason }) => reason);

describe("the recorded identity of a cluster", () => {
  it("is the first that is seen", async () => {
    expect(await reasons({}, { uid: "one" })).toEqual([]);
    expect((await provider.create(urn, { uid: "one" })).outs).toEqual({ uid: "one" });
  });

  it("stays, and is not judged while a preview does not know it", async () => {
    expect(await reasons({ uid: "one" }, { uid: "one" })).toEqual([]);
    expect(await reasons({ uid: "one" }, { uid: runtime.unknownValue })).toEqual([]);
    expect(await provider.diff("id", urn, { uid: "one" }, { uid: "one" })).toEqual({ changes: false, replaces: [] });
  });

  it("is refused when it is another, with the way out", async () => {
    expect(await reasons({ uid: "one" }, { uid: "two" })).toEqual([
      "uid was one when this stack made its objects, and the cluster that answers now has two; none is made or changed in it. If it is another " +
        "site's, correct the address of the API in the configuration. If this site's cluster was built anew, let the stack forget what it made in the old one, and run " +
        `\`pulumi up\` again: pulumi state delete --target-dependents '${urn}'`,
    ]);
  });
});
