import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { readEnvironments } from "../../../components/config/environments.ts";
import { renderJsonSchema, schemaFile } from "../../../components/config/json-schema.ts";
import { parseSite } from "../../../components/config/parse.ts";
import { type Raw, rawSite } from "./sample.ts";

const stacks = join(import.meta.dirname, "../../../stacks");
const environments = readEnvironments(join(stacks, "environments"));
const stackFiles = readdirSync(stacks).filter((file) => /^Pulumi\..+\.yaml$/.test(file));

const schema = JSON.parse(renderJsonSchema());
const editor = z.fromJSONSchema(schema.$defs.site);

describe("the committed stacks", () => {
  it.each(stackFiles)("%s is a right site without warnings", (file) => {
    const raw = parse(readFileSync(join(stacks, file), "utf8")).config["tandem:site"];
    expect(parseSite(raw, environments)).toMatchObject({ ok: true, warnings: [] });
    expect(editor.safeParse(raw).error).toBeUndefined();
  });

  it.each(Object.keys(environments))("the environment %s lies under a site without warnings", (environment) => {
    const raw = rawSite((site) => Object.assign(site, { environment }));
    expect(parseSite(raw, environments)).toMatchObject({ ok: true, warnings: [] });
    expect(editor.safeParse(parse(environments[environment] as string)).error).toBeUndefined();
  });
});

describe("the schema for editors", () => {
  it("is the one that `npm run schema` writes now", () => {
    expect(readFileSync(schemaFile, "utf8")).toBe(renderJsonSchema());
  });

  it.each<[string, (site: Raw) => void]>([
    ["an unknown key", (site) => Object.assign(site.ssh, { prot: 22 })],
    ["a duration without a unit", (site) => Object.assign(site.witness, { waitOffset: "500" })],
    ["a port out of range", (site) => Object.assign(site.ssh, { port: 70_000 })],
    ["a node without a host key", (site) => delete site.nodes[0].hostKey],
    ["a datastore that is not supported", (site) => Object.assign(site.datastore, { kind: "nats" })],
  ])("refuses %s", (_, spoil) => {
    expect(editor.safeParse(rawSite(spoil)).success).toBe(false);
  });

  it("takes a plain and an encrypted secret, and leaves to the environment what a site leaves out", () => {
    const plain = rawSite((site) => Object.assign(site.ssh, { privateKey: "key" }));
    const short = rawSite((site) => delete site.datastore.etcd);
    expect([plain, rawSite(), short].map((site) => editor.safeParse(site).success)).toEqual([true, true, true]);
  });
});
