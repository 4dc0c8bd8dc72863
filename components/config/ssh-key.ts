/** SSH keys as the configuration takes them: host keys as one entry of an authorized_keys file, private keys as PEM. */

const accepted = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** @returns `<type> <base64>` without the comment, or what is wrong with the entry */
export function parseHostKey(entry: string): { key: string } | { problem: string } {
  if (/[\r\n]/.test(entry.trim())) return { problem: "has several lines; give one key" };
  const [type = "", blob = "", ...comment] = entry.trim().split(/ +/);
  if (type === "ssh-rsa") {
    // The SSH library behind @pulumi/command offers only the algorithm that the key's type names, which here is RSA with SHA-1.
    return {
      problem:
        "is an ssh-rsa key, which would be verified with SHA-1, refused by current SSH servers; give the ssh-ed25519 key",
    };
  }
  if (!accepted.includes(type)) {
    const misplaced = [blob, ...comment].find((word) => accepted.includes(word));
    if (misplaced !== undefined) return { problem: `has words before the key type; begin with ${misplaced}` };
    return { problem: `has no key type that is accepted; begin with one of ${accepted.join(", ")}` };
  }
  if (blob === "") return { problem: `has no key after ${type}` };
  return isKeyOfType(type, blob)
    ? { key: `${type} ${blob}` }
    : { problem: `is not a whole ${type} key; copy the complete line` };
}

/** RFC 4253, section 6.6: length-prefixed fields, the first of which repeats the type. */
function isKeyOfType(type: string, blob: string): boolean {
  const bytes = Buffer.from(blob, "base64");
  if (bytes.toString("base64") !== blob) return false;
  const fields: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 4 > bytes.length) return false;
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) return false;
    fields.push(bytes.subarray(at + 4, end));
    at = end;
  }
  const [name, ...rest] = fields;
  if (name?.toString("latin1") !== type) return false;
  if (type === "ssh-ed25519") return rest.length === 1 && rest[0]?.length === 32;
  const curve = type.slice("ecdsa-sha2-".length);
  const coordinateBytes = Math.ceil(Number(curve.slice("nistp".length)) / 8);
  const [named, point] = rest;
  return rest.length === 2 && named?.toString("latin1") === curve && point?.length === 1 + 2 * coordinateBytes;
}

/** Whether a text is a private key that needs no passphrase, in OpenSSH's own format or in one that OpenSSL writes. */
export function isPlainPrivateKey(text: string): boolean {
  const [, format, body = ""] =
    /^-----BEGIN (OPENSSH |RSA |EC |)PRIVATE KEY-----\n([\s\S]+)\n-----END \1PRIVATE KEY-----\s*$/.exec(text) ?? [];
  if (format === undefined) return false;
  if (format !== "OPENSSH ") return !body.includes("ENCRYPTED");
  const magic = "openssh-key-v1\0";
  const noCipher = "\0\0\0\x04none";
  return Buffer.from(body, "base64")
    .toString("latin1")
    .startsWith(magic + noCipher);
}
