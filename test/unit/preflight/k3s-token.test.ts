import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gatherK3sTokens, k3sPassword, k3sTokenFingerprint } from "../../../components/cli/preflight/k3s-token.ts";
import { Failure } from "../../../components/cli/verb.ts";

const hash = "0123456789abcdef".repeat(4);
const folder = mkdtempSync(join(tmpdir(), "tandem-token-"));
afterAll(() => rmSync(folder, { recursive: true }));

function fileWith(text: string): string {
  const file = join(folder, "token");
  writeFileSync(file, text);
  return file;
}

const missing = join(folder, "missing");
const noEtcd = () => Promise.reject(new Failure("etcd at https://127.0.0.1:2379 does not answer: connection refused"));
const noKeys = async () => [];

describe("a token of k3s", () => {
  it.each([
    `K10${hash}::server:secret`,
    `K10${hash}::server:secret\n`,
    "server:secret",
    "secret",
    "secret\n",
  ])("is told from others by its password alone", (token) => {
    expect(k3sPassword(token)).toBe("secret");
    expect(k3sTokenFingerprint(token)).toBe(k3sTokenFingerprint("secret"));
  });

  it("has the fingerprint under which k3s keeps its authorities in the datastore", () => {
    // printf secret | sha256sum | cut -c -12
    expect(k3sTokenFingerprint("secret")).toBe("2bb80d537b1d");
  });
});

describe("the tokens of the cluster on a node", () => {
  it.each([
    ["has no etcd yet", noEtcd],
    ["has no client certificate of etcd yet", () => Promise.reject(Object.assign(new Error(), { code: "ENOENT" }))],
    ["has an etcd without a cluster of k3s", noKeys],
  ])("are in its file where the node %s", async (_what, keys) => {
    const file = fileWith(`K10${hash}::server:secret\n`);
    expect(await gatherK3sTokens(file, keys)).toEqual([k3sTokenFingerprint("secret")]);
    expect(await gatherK3sTokens(missing, keys)).toEqual([]);
  });

  it("are what the datastore knows after a rotation, which the file of a node learns later", async () => {
    const rotated = k3sTokenFingerprint("rotated");
    const keys = async (prefix: string) => [`${prefix}${rotated}`];
    expect(await gatherK3sTokens(fileWith(`K10${hash}::server:old\n`), keys)).toEqual([rotated]);
  });

  it("are none where k3s was stopped before it wrote one down", async () => {
    expect(await gatherK3sTokens(fileWith("\n"), noEtcd)).toEqual([]);
  });

  it("are not guessed when the file cannot be read", async () => {
    await expect(gatherK3sTokens(folder, noKeys)).rejects.toThrow("EISDIR");
  });
});
