import { apply, remove } from "./apply/verb.ts";
import { clusterIdentity } from "./cluster-identity.ts";
import { etcdCheck } from "./etcd-check/verb.ts";
import { kubeconfig } from "./kubeconfig.ts";
import { member } from "./member.ts";
import { override } from "./override/verb.ts";
import { preflight } from "./preflight/verb.ts";
import { replace } from "./replace/verb.ts";
import { rewriteSecrets } from "./rewrite-secrets.ts";
import { status } from "./status.ts";
import { Failure, type Verb } from "./verb.ts";
import { volume } from "./volume/verb.ts";
import { wait } from "./wait.ts";
import { witnessCheck } from "./witness-check/verb.ts";

const verbs: Readonly<Record<string, Verb>> = {
  status,
  wait,
  preflight,
  apply,
  remove,
  replace,
  override,
  volume,
  member,
  kubeconfig,
  "cluster-identity": clusterIdentity,
  "rewrite-secrets": rewriteSecrets,
  "witness-check": witnessCheck,
  "etcd-check": etcdCheck,
};

await main(process.argv.slice(2));

async function main([name, ...args]: readonly string[]): Promise<void> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    process.stdout.write(help());
    if (name === undefined) process.exitCode = 1;
    return;
  }
  const verb = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (verb === undefined) {
    process.stderr.write(`tandem: there is no verb ${JSON.stringify(name)}; \`tandem --help\` lists them\n`);
    process.exitCode = 1;
    return;
  }
  if (args.includes("--help") || args.includes("-h")) {
    process.stdout.write(`tandem ${verb.usage}\n    ${verb.summary}\n`);
    return;
  }
  try {
    await verb.run(args);
  } catch (error) {
    const told = error instanceof Failure ? error.message : `unexpected: ${(error as Error).stack ?? error}`;
    process.stderr.write(`tandem ${name}: ${told}\n`);
    // One code for every failure: callers read words, and no tool's own exit code passes through.
    process.exitCode = 1;
  }
}

function help(): string {
  const lines = Object.values(verbs).flatMap((verb) => [`  tandem ${verb.usage}`, `      ${verb.summary}`]);
  return ["The on-node command of Tandem.", "", ...lines, ""].join("\n");
}
