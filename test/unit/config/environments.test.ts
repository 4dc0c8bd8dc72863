import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { overlay } from "../../../components/config/environments.ts";
import { parseSite } from "../../../components/config/parse.ts";
import { type Raw, rawSite } from "./sample.ts";

const inEnvironment = (spoil: (site: Raw) => void = () => {}) =>
  rawSite((site) => {
    site.environment = "production";
    spoil(site);
  });

const errorsWith = (text: string, spoil?: (site: Raw) => void) => {
  const result = parseSite(inEnvironment(spoil), { production: text, lab: "" });
  return result.ok ? [] : result.errors;
};

describe("an environment", () => {
  it("gives the values that the site leaves out, and the site's own win", () => {
    const text = `
witness: { port: 9443, waitOffset: 2s }
datastore: { silence: 300ms, etcd: { url: "https://mirror.example/etcd.tar.gz" } }
`;
    const result = parseSite(
      inEnvironment((site) => Object.assign(site.witness, { waitOffset: "1s" })),
      { production: text },
    );
    expect(result).toMatchObject({
      ok: true,
      site: {
        environment: "production",
        witness: { host: "10.77.1.20", port: 9443, waitOffsetMs: 1000 },
        datastore: { silenceMs: 300, etcd: { version: "3.5.33", url: "https://mirror.example/etcd.tar.gz" } },
      },
    });
  });

  it("may be an empty file", () => {
    expect(errorsWith("# nothing yet\n")).toEqual([]);
  });

  it("that does not exist is refused with those that do", () => {
    const site = inEnvironment((raw) => Object.assign(raw, { environment: "prod" }));
    expect(parseSite(site, { lab: "", production: "" })).toMatchObject({
      errors: [
        "tandem:site: environment: there is no stacks/environments/prod.yaml; existing environments: lab, production",
      ],
    });
    expect(parseSite(site, {})).toMatchObject({
      errors: ["tandem:site: environment: there is no stacks/environments/prod.yaml; existing environments: none"],
    });
  });

  it("that cannot be read hides no other error, and what it would have given is not missed", () => {
    const site = inEnvironment((raw) => {
      raw.environment = "prod";
      raw.nodes[1].disk = undefined;
      raw.datastore = { quotaBackend: 7 };
      raw.witness = { waitOffset: "1" };
      raw.pki = { renewBefore: "400d" };
      delete raw.kubernetes;
    });
    const its = [
      "tandem:site: nodes[1].disk: is missing; must be the absolute path of a block device, e.g. /dev/vg0/etcd-t",
      'tandem:site: witness.waitOffset: is "1"; must be a duration such as 500ms, 15s or 2m',
      "tandem:site: datastore.quotaBackend: is the number 7; must be a size from 64MiB to 8GiB, written such as 64MiB or 1GiB",
      "tandem:site: pki.renewBefore: is 400d, not less than the certificateValidity of 365d: every up would renew every certificate; use at most 364d",
    ];
    expect(parseSite(site, { lab: "" })).toMatchObject({
      errors: [
        "tandem:site: environment: there is no stacks/environments/prod.yaml; existing environments: lab",
        ...its,
      ],
    });
    expect(parseSite(site, { prod: "- a" })).toMatchObject({
      errors: ["stacks/environments/prod.yaml: must be a map of the keys of tandem:site", ...its],
    });
  });

  it("that cannot be read may have held the url of a witness whose credentials the site has", () => {
    const site = inEnvironment((raw) => {
      raw.environment = "prod";
      raw.witness = { credentials: { nodeOne: {} } };
    });
    const missing = (path: string, key: string) =>
      expect.stringMatching(`^tandem:site: witness.credentials.${path}: is missing; must be .*${key}`);
    expect(parseSite(site, {})).toMatchObject({
      errors: [
        "tandem:site: environment: there is no stacks/environments/prod.yaml; existing environments: none",
        missing("nodeOne.clientCertificate", "certificate"),
        missing("nodeOne.clientKey", "key"),
        missing("nodeTwo", "clientCertificate, clientKey"),
      ],
    });
  });

  it.each(["../secrets", "a/b", "constructor.x"])("cannot be named %j", (name) => {
    const site = inEnvironment((raw) => Object.assign(raw, { environment: name }));
    expect(parseSite(site, {})).toMatchObject({
      errors: [
        `tandem:site: environment: is "${name}"; must be a label of lower-case letters, digits and inner hyphens, at most 63 characters`,
      ],
    });
  });

  it("is not found among the properties of every object", () => {
    const site = inEnvironment((raw) => Object.assign(raw, { environment: "constructor" }));
    expect(parseSite(site, {})).toMatchObject({
      errors: [
        "tandem:site: environment: there is no stacks/environments/constructor.yaml; existing environments: none",
      ],
    });
  });
});

describe("errors in an environment's file carry its name", () => {
  it("for a wrong value, and not for the site's own", () => {
    const text = "witness: { port: 0, waitOffset: 1 }\ndatastore: { silnce: 1s }\n";
    expect(errorsWith(text, (site) => Object.assign(site.witness, { waitOffset: 2 }))).toEqual([
      "stacks/environments/production.yaml: witness.port: is the number 0; must be a whole number from 1 to 65535",
      "tandem:site: witness.waitOffset: is the number 2; must be a duration such as 500ms, 15s or 2m",
      "stacks/environments/production.yaml: datastore.silnce: unknown key; known here: kind, leader, heartbeat, electionTimeouts, readHoldOff, killLimit, silence, drbd, quotaBackend, autoCompaction, etcd",
    ]);
  });

  it("for a broken rule", () => {
    expect(errorsWith("datastore: { killLimit: 6s }\n")).toEqual([
      "tandem:site: datastore.readHoldOff: is 5s; a frozen T may answer reads until its killLimit of 6s and 1175ms for a later notice and the kill: use at least 7176ms, or a killLimit of at most 3824ms",
    ]);
    expect(errorsWith("witness: { waitOffset: 100ms }\n")).toEqual([
      "stacks/environments/production.yaml: witness.waitOffset: is 100ms; in a split the holder must claim first, and it may need 500ms to confirm the loss and 170ms to claim while its sibling confirms within 425ms: use at least 246ms",
    ]);
  });

  it("for broken YAML, with the line and without quoting it", () => {
    const errors = errorsWith("witness:\n  port: 1\n  port: hunter2\n");
    expect(errors).toEqual(["stacks/environments/production.yaml:3:3: Map keys must be unique"]);
  });

  it("for a list", () => {
    expect(errorsWith("- a\n")).toEqual([
      "stacks/environments/production.yaml: must be a map of the keys of tandem:site",
    ]);
  });

  it("for what belongs to one site, and for secrets, whose value is not repeated", () => {
    const text = `
environment: lab
name: a
nodes: []
ssh: { privateKey: hunter2 }
witness: { credentials: { nodeOne: { clientKey: hunter2 } } }
kubernetes: { token: hunter2 }
`;
    expect(errorsWith(text)).toEqual([
      "stacks/environments/production.yaml: environment: an environment is not based on another one",
      "stacks/environments/production.yaml: name: each site has its own; set it in the site's stack file",
      "stacks/environments/production.yaml: nodes: each site has its own; set them in the site's stack file",
      "stacks/environments/production.yaml: ssh.privateKey: a secret does not belong into a plain file; set it per stack with `pulumi config set --path --secret`",
      "stacks/environments/production.yaml: witness.credentials: these secrets do not belong into a plain file; set them per stack with `pulumi config set --path --secret`",
      "stacks/environments/production.yaml: kubernetes.token: a secret does not belong into a plain file; set it per stack with `pulumi config set --path --secret`",
    ]);
  });
});

describe("laying values over others", () => {
  it("merges maps and replaces lists and scalars", () => {
    expect(overlay({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3], e: 2 }, d: { f: 1 } })).toEqual({
      a: { b: 1, c: [3], e: 2 },
      d: { f: 1 },
    });
  });

  const json = fc.dictionary(fc.string(), fc.jsonValue() as fc.Arbitrary<unknown>);

  it("changes nothing by nothing, and keeps all of the upper values", () => {
    fc.assert(
      fc.property(json, json, (lower, upper) => {
        expect(overlay(lower, {})).toEqual(lower);
        expect(overlay({}, upper)).toEqual(upper);
        expect(overlay(overlay(lower, upper), upper)).toEqual(overlay(lower, upper));
      }),
    );
  });
});
