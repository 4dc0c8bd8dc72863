import { afterAll, beforeAll, expect, test } from "vitest";
import { rewrite } from "../../components/cli/rewrite-secrets.ts";
import { ApiServer, newKey } from "./api-server.ts";

/** As the stack has them before a rotation, and after it. */
const [first, second, third] = [newKey(), newKey(), newKey()];
const before = { current: first, successor: second, predecessors: [] };
const after = { current: second, successor: third, predecessors: [first] };

let server: ApiServer;
beforeAll(async () => {
  server = await ApiServer.start();
  await server.restartWith(before);
}, 1_800_000);
afterAll(() => server.stop());

const order = () => ({ server: server.address, ...server.access });

async function make(name: string): Promise<void> {
  const secret = { metadata: { name }, stringData: { word: `plain-${name}` } };
  expect(await server.ask({ method: "POST", path: "/api/v1/namespaces/default/secrets", body: secret })).toEqual({
    status: 201,
    message: "",
  });
}

async function word(name: string): Promise<string> {
  const { stdout } = await server.kubectl(["get", "secret", name, "--output", "jsonpath={.data.word}"]);
  return Buffer.from(stdout, "base64").toString();
}

/** Names of the keys by which etcd's secrets are encrypted, by the secret's name. */
async function keys(): Promise<Record<string, string | undefined>> {
  const prefix = "/registry/secrets/default/";
  const stored = Object.entries(await server.stored(prefix));
  return Object.fromEntries(
    stored.map(([key, value]) => [key.slice(prefix.length), /^k8s:enc:secretbox:v1:([^:]+):/.exec(value)?.[1]]),
  );
}

test("a rotation of the key leaves every Secret readable on both nodes at each of its steps, and none under the old key", async () => {
  // More than are listed at once.
  const many = Array.from({ length: 120 }, (_, index) => `many-${index}`);
  for (const name of ["old", ...many]) await make(name);
  expect(new Set(Object.values(await keys()))).toEqual(new Set(["site"]));

  // Node two has the new keys, and writes.
  await server.restartWith(after);
  await make("new");
  expect(await keys()).toMatchObject({ old: "site", new: "site-1" });
  expect([await word("old"), await word("new")]).toEqual(["plain-old", "plain-new"]);

  // Node one, whose turn it is not yet.
  await server.restartWith(before);
  expect([await word("old"), await word("new")]).toEqual(["plain-old", "plain-new"]);

  await server.restartWith(after);
  expect(await rewrite(order())).toBe(122);
  const rewritten = await keys();
  expect(Object.keys(rewritten)).toHaveLength(122);
  expect(new Set(Object.values(rewritten))).toEqual(new Set(["site-1"]));
  expect([await word("old"), await word("new")]).toEqual(["plain-old", "plain-new"]);

  // Once more, as in an up that is run again: nothing is written.
  const stored = await server.stored("/registry/secrets/default/");
  expect(await rewrite(order())).toBe(122);
  expect(await server.stored("/registry/secrets/default/")).toEqual(stored);
}, 300_000);

test("an API server that lets nobody in, and one that is not there, are told without any content", async () => {
  const { certificate: _certificate, key: _key, ...nobody } = order();
  await expect(rewrite({ ...nobody, certificate: "", key: "" })).rejects.toThrow(
    "the Secrets cannot be listed: 401 Unauthorized",
  );
  await expect(rewrite({ ...order(), server: "127.0.0.1:1" })).rejects.toThrow(
    "the API server at 127.0.0.1:1 does not answer: connect ECONNREFUSED 127.0.0.1:1; run `pulumi up` again when it does",
  );
});
