import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isPlainPrivateKey, parseHostKey } from "../../../components/config/ssh-key.ts";
import { hostKeys } from "./sample.ts";

/** An entry of the right structure; the key need not lie on its curve. */
function ecdsaEntry(bits: 256 | 384 | 521): string {
  const point = Buffer.alloc(1 + 2 * Math.ceil(bits / 8), 4);
  return entryOf(`ecdsa-sha2-nistp${bits}`, Buffer.from(`nistp${bits}`), point);
}

function entryOf(type: string, ...fields: Buffer[]): string {
  const blob = [Buffer.from(type), ...fields].flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, field];
  });
  return `${type} ${Buffer.concat(blob).toString("base64")}`;
}

describe("host keys", () => {
  it.each([hostKeys.nodeOne, ecdsaEntry(256), ecdsaEntry(384), ecdsaEntry(521)])("takes %s", (entry) => {
    expect(parseHostKey(entry)).toEqual({ key: entry });
  });

  it("drops the comment, so that a new comment changes nothing", () => {
    expect(parseHostKey(`  ${hostKeys.nodeOne} root@n1 made by hand\n`)).toEqual({ key: hostKeys.nodeOne });
  });

  it("refuses an RSA key and says why", () => {
    expect(parseHostKey("ssh-rsa AAAAB3NzaC1yc2E=")).toEqual({
      problem:
        "is an ssh-rsa key, which would be verified with SHA-1, refused by current SSH servers; give the ssh-ed25519 key",
    });
  });

  it("recognises a line of known_hosts", () => {
    expect(parseHostKey(`10.77.1.11 ${hostKeys.nodeOne}`)).toEqual({
      problem: "has words before the key type; begin with ssh-ed25519",
    });
  });

  it("refuses other types", () => {
    expect(parseHostKey("ssh-dss AAAAB3NzaC1kc3M=")).toEqual({
      problem:
        "has no key type that is accepted; begin with one of ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521",
    });
  });

  it("refuses several keys", () => {
    expect(parseHostKey(`${hostKeys.nodeOne}\n${hostKeys.nodeTwo}`)).toEqual({
      problem: "has several lines; give one key",
    });
  });

  it("refuses a type without a key", () => {
    expect(parseHostKey("ssh-ed25519")).toEqual({ problem: "has no key after ssh-ed25519" });
  });

  it.each([
    ["cut short by a character", hostKeys.nodeOne.slice(0, -1)],
    ["cut short by four", hostKeys.nodeOne.slice(0, -4)],
    ["of another type inside", `ssh-ed25519 ${ecdsaEntry(256).split(" ")[1]}`],
    ["of another curve inside", `ecdsa-sha2-nistp384 ${ecdsaEntry(256).split(" ")[1]}`],
    ["of 31 bytes", entryOf("ssh-ed25519", Buffer.alloc(31))],
    ["with a third field", entryOf("ssh-ed25519", Buffer.alloc(32), Buffer.alloc(1))],
    ["without a point", entryOf("ecdsa-sha2-nistp256", Buffer.from("nistp256"), Buffer.alloc(64))],
    ["with a letter that base64 has not", hostKeys.nodeOne.replace("AQEB", "AQ*B")],
  ])("refuses a key %s", (_, entry) => {
    expect(parseHostKey(entry)).toEqual({
      problem: `is not a whole ${entry.split(" ")[0]} key; copy the complete line`,
    });
  });
});

describe("private keys", () => {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const openssh = (cipher: string) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(cipher.length);
    const body = Buffer.concat([Buffer.from("openssh-key-v1\0"), length, Buffer.from(cipher), Buffer.alloc(40)]);
    return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString("base64")}\n-----END OPENSSH PRIVATE KEY-----\n`;
  };

  it.each([
    ["PKCS 8", privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    ["SEC 1", privateKey.export({ type: "sec1", format: "pem" }).toString()],
    ["OpenSSH", openssh("none")],
    ["OpenSSH without a last line feed", openssh("none").trimEnd()],
  ])("takes %s", (_, text) => {
    expect(isPlainPrivateKey(text)).toBe(true);
  });

  it.each([
    ["a passphrase, OpenSSH", openssh("aes256-ctr")],
    [
      "a passphrase, PKCS 8",
      privateKey.export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    ],
    [
      "a passphrase, SEC 1",
      privateKey.export({ type: "sec1", format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString(),
    ],
    ["a public key", hostKeys.nodeOne],
    ["a path", "/root/.ssh/id_ed25519"],
    ["a cut text", openssh("none").slice(0, 90)],
  ])("refuses %s", (_, text) => {
    expect(isPlainPrivateKey(text)).toBe(false);
  });
});
