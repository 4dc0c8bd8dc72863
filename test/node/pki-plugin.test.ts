import { X509Certificate } from "node:crypto";
import { runtime } from "@pulumi/pulumi";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PluginProcess } from "./plugin-process.ts";

const urn = "urn:pulumi:s::p::tandem:pki:SitePki$tandem:pki:Authority::ca";
const args = { commonName: "test CA", validityDays: 3650, renewBeforeDays: 400, rotation: 0 };

let plugin: PluginProcess;

beforeAll(async () => {
  plugin = await PluginProcess.start(
    new URL("../../components/pki/provider/pulumi-resource-tandem", import.meta.url).pathname,
  );
  await plugin.configure();
}, 30_000);

afterAll(() => plugin?.stop());

test("the plugin that the engine starts issues an authority whose keys are secrets on the wire", async () => {
  const { inputs, failures } = await plugin.check(urn, args);
  expect(failures).toEqual([]);
  const { id, state } = await plugin.create(urn, inputs);
  expect(id).toMatch(/^[0-9a-f-]{36}$/);
  expect(new X509Certificate(String(state.certificatePem)).ca).toBe(true);
  expect(Object.keys(state).filter((name) => runtime.isRpcSecret(state[name]))).toEqual([
    "privateKeyPem",
    "successorPrivateKeyPem",
  ]);
});

test("it names what is wrong with the inputs", async () => {
  expect((await plugin.check(urn, { ...args, validityDays: 0 })).failures).toEqual([
    "validityDays: validityDays is 0; it must be a whole number, at least 1",
  ]);
});

test("it refuses a type that it does not have", async () => {
  await expect(plugin.create("urn:pulumi:s::p::tandem:pki:Nothing::x", {})).rejects.toThrow(
    "the package tandem has no type tandem:pki:Nothing; it has tandem:pki:Authority and tandem:pki:Certificate",
  );
});
