/** The kinds of value that the schema is made of. Each says in its own words what it takes, so that every message is complete. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { isIPv4 } from "node:net";
import { z } from "zod";
import { readCertificates } from "./client-credential.ts";
import { daysPattern, durationPattern, parseDays, parseDuration, parseSize, sizePattern } from "./duration.ts";
import { received, receivedKind } from "./problems.ts";
import { Sealed } from "./secret.ts";
import { isPlainPrivateKey, parseHostKey } from "./ssh-key.ts";

/**
 * A map that takes no other keys.
 * @param where completes "unknown key" if other keys would be known elsewhere
 */
export function map<S extends z.core.$ZodLooseShape>(shape: S, where = "") {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `unknown key${where}; known here: ${keys}`
        : `${receivedKind(issue.input)}; must be a map of ${keys}`,
  });
}

/**
 * A text.
 * @param expected completes "must be ..."
 * @param read the value; undefined if the text is not what is expected; a problem if more can be said
 */
export function text<T extends string | number>(
  expected: string,
  read: (value: string) => T | undefined | { problem: string },
  meta: { pattern?: string } = {},
) {
  return z
    .string({ error: (issue) => `${received(issue.input)}; must be ${expected}` })
    .meta(meta)
    .transform((value, context): T => {
      const result = read(value);
      if (result !== undefined && typeof result !== "object") return result;
      context.addIssue(result?.problem ?? `${received(value)}; must be ${expected}`);
      return z.NEVER;
    });
}

export function matching(expected: string, pattern: RegExp) {
  return text(expected, (value) => (pattern.test(value) ? value : undefined), { pattern: pattern.source });
}

export function integer(min: number, max: number) {
  const error = (issue: { input?: unknown }) =>
    `${received(issue.input)}; must be a whole number from ${min} to ${max}`;
  return z.int({ error }).min(min, { error }).max(max, { error });
}

export function boolean() {
  return z.boolean({ error: (issue) => `${received(issue.input)}; must be true or false` });
}

export function choice<const T extends readonly (string | number)[]>(values: T) {
  return z.literal(values, { error: (issue) => `${received(issue.input)}; must be ${listed(values)}` });
}

export const port = integer(1, 65535);

export const label = matching(
  "a label of lower-case letters, digits and inner hyphens, at most 63 characters",
  /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
);

const exampleAddress = "an IPv4 address of one machine, e.g. 10.77.1.11";

export const address = text(exampleAddress, (value) => (isMachineAddress(value) ? value : undefined));

export const host = text("an IPv4 address or a host name in lower case", (value) => {
  if (/^[0-9.]+$/.test(value)) return isMachineAddress(value) ? value : undefined;
  const labels = value.split(".");
  return value.length <= 253 && labels.every((part) => label.safeParse(part).success) ? value : undefined;
});

export const httpsUrl = text("an https URL without user, query and fragment", (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || url.protocol !== "https:") return undefined;
  // The value may hold a password here.
  if (url.username !== "" || url.password !== "")
    return { problem: "holds a user or a password; nodes prove themselves by certificates" };
  return url.search === "" && url.hash === "" ? value.replace(/\/+$/, "") : undefined;
});

export const blockDevice = text("the absolute path of a block device, e.g. /dev/vg0/etcd-t", (value) =>
  /^\/dev(\/[A-Za-z0-9_+.:-]+)+$/.test(value) && isNormalised(value) ? value : undefined,
);

export const folder = text("the absolute path of a folder", (value) =>
  /^(\/[A-Za-z0-9_+.:@-]+)+$/.test(value) && isNormalised(value) ? value : undefined,
);

export const hostKey = text(
  "the machine's SSH host key, one line as `ssh-keyscan -t ed25519 <address>` prints it after the address",
  (value) => {
    const parsed = parseHostKey(value);
    return "key" in parsed ? parsed.key : parsed;
  },
);

/** Milliseconds. */
export const duration = text("a duration such as 500ms, 15s or 2m", parseDuration, { pattern: durationPattern.source });

/** Days. */
export const days = text("a number of days or years such as 90d or 1y", parseDays, { pattern: daysPattern.source });

/** Bytes between two limits, both themselves written as sizes. */
export function size(min: string, max: string) {
  const lowest = parseSize(min) as number;
  const highest = parseSize(max) as number;
  return text(
    `a size from ${min} to ${max}, written such as 64MiB or 1GiB`,
    (value) => {
      const bytes = parseSize(value);
      return bytes !== undefined && bytes >= lowest && bytes <= highest ? bytes : undefined;
    },
    { pattern: sizePattern.source },
  );
}

export const sha256 = matching("a SHA-256 sum, 64 lower-case hexadecimal digits", /^[0-9a-f]{64}$/);

export const nodeVersion = matching(
  'a version of Node.js from 18 on, in quotes, e.g. "24.11.0"',
  /^(1[89]|[2-9][0-9])\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$/,
);

export const kubernetesVersion = matching(
  "a release of Kubernetes from 1.30 on, e.g. v1.34.4",
  /^v1\.(3[0-9]|[4-9][0-9])\.(0|[1-9][0-9]{0,2})$/,
);

// Older ones have no folder of kubelet's settings and no choice of how secrets are encrypted.
export const k3sVersion = matching(
  "a release of k3s from 1.33 on, e.g. v1.34.4+k3s1",
  /^v1\.(3[3-9]|[4-9][0-9])\.(0|[1-9][0-9]{0,2})\+k3s[1-9][0-9]?$/,
);

export const interfaceName = matching(
  "the name of a network interface, e.g. eth0; `ip -brief address` lists them",
  /^[a-zA-Z0-9][a-zA-Z0-9_.@-]{0,14}$/,
);

/** An IPv4 address with the length of its network's prefix. */
export function network(whose: string) {
  return z
    .string({ error: (issue) => `${received(issue.input)}; must be an IPv4 address and prefix length ${whose}` })
    .transform((value, context) => {
      const [, ip = "", bits = ""] = /^([0-9.]+)\/([0-9]|[12][0-9]|3[0-2])$/.exec(value) ?? [];
      if (isMachineAddress(ip)) return { address: ip, prefixLength: Number(bits) };
      context.addIssue(`${received(value)}; must be an IPv4 address and prefix length ${whose}`);
      return z.NEVER;
    });
}

export const imageReference = matching(
  "the reference of a container image with its registry and its tag or digest, e.g. registry.k8s.io/pause:3.10.1",
  /^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9._-]+)+(:[A-Za-z0-9_.-]{1,128}|@sha256:[0-9a-f]{64})$/,
);

export const packageName = matching("the name of a Debian package", /^[a-z0-9][a-z0-9+.-]+$/);

export const certificate = text("an X.509 certificate in PEM", (value) => {
  try {
    new X509Certificate(value);
    return value;
  } catch {
    return undefined;
  }
});

/** One or more of them, one after the other. */
export const certificates = text("X.509 certificates in PEM", (value) => {
  if (value.includes("PRIVATE KEY"))
    return { problem: "holds a private key, which is a secret; give certificates alone" };
  try {
    return readCertificates(value).length > 0 ? value : undefined;
  } catch {
    return undefined;
  }
});

export const sshPrivateKey = secret("an SSH private key without a passphrase", isPlainPrivateKey);

export const tlsPrivateKey = secret("an unencrypted private key in PEM", (value) => {
  try {
    createPrivateKey(value);
    return true;
  } catch {
    return false;
  }
});

export const k3sToken = secret(
  "a token of k3s: the text of /var/lib/rancher/k3s/server/token on a node, or the password at its end",
  (value) => /^(K10[0-9a-f]{64}::server:)?[^\s:]+$/.test(value.trim()),
);

/** A text that no message repeats. Stack files read without Pulumi hold `{ secure: ciphertext }` in its place. */
function secret(expected: string, isValid: (value: string) => boolean) {
  const how = `must be ${expected}, set with \`pulumi config set --path --secret\``;
  const plain = z.string().refine(isValid).transform(Sealed.of);
  const encrypted = z.strictObject({ secure: z.string() }).transform(() => Sealed.encrypted());
  return z.union([plain, encrypted], { error: (issue) => `${receivedKind(issue.input)}; ${how}` });
}

/**
 * The message for a map whose `key` names no branch.
 * @param planned values that are refused as not yet supported
 */
export function keyMessage(
  issue: { input?: unknown },
  key: string,
  supported: string,
  planned: readonly string[] = [],
): string {
  const { input } = issue;
  if (typeof input !== "object" || input === null)
    return `${receivedKind(input)}; must be a map with ${key}: ${supported}`;
  const value = (input as Record<string, unknown>)[key];
  if (typeof value === "string" && planned.includes(value)) return `${value} is not yet supported; use ${supported}`;
  return `${received(value)}; must be ${supported}`;
}

function listed(values: readonly (string | number)[]): string {
  const texts = [...new Set(values.map(String))];
  return texts.length === 1 ? texts.join() : `${texts.slice(0, -1).join(", ")} or ${texts.at(-1)}`;
}

/** Not "this network", loopback, multicast or reserved: none of these is another machine's address. */
function isMachineAddress(value: string): boolean {
  const first = Number(value.split(".")[0]);
  return isIPv4(value) && first !== 0 && first !== 127 && first < 224;
}

function isNormalised(path: string): boolean {
  return path.split("/").every((part) => part !== "." && part !== "..");
}
