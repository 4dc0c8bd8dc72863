import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import type { ApplyBundle, FileSet } from "./cli/apply/bundle-type.ts";
import type { ArtifactsConfig, SshConfig } from "./config/site-config.ts";
import { environmentFile } from "./environment-file.ts";
import { readTemplate } from "./render.ts";

export interface HostArgs {
  readonly address: string;
  readonly port: number;
  /** `<type> <base64>`; a machine that shows another key is not talked to. */
  readonly hostKey: string;
  readonly ssh: SshConfig;
  /** Text of the on-node `tandem` command. */
  readonly program: string;
  /** Where the machine's programs come from. */
  readonly artifacts: ArtifactsConfig;
}

export interface PushOptions {
  readonly parent: pulumi.Resource;
  readonly dependsOn?: readonly pulumi.Resource[];
  /** The whole bundle is shown as [secret]; use it for files that are nothing but secrets. */
  readonly secret?: boolean;
}

export interface RunOptions extends PushOptions {
  /** Time limit on the machine; a step that waits for other machines needs more. */
  readonly timeoutSeconds?: number;
  /** Verb that undoes it, at destroy. */
  readonly undo?: string;
  /** What it prints is a secret. */
  readonly secretOutput?: boolean;
}

const TANDEM = "/usr/local/sbin/tandem";
const LIB = "/usr/local/lib/tandem";
const BOOTSTRAP = `${LIB}/bootstrap.sh`;
const SOURCES = `${LIB}/sources.env`;
const APPLY_SECONDS = 900;

/**
 * One machine of the site, reached over SSH. Every change to it is a `remote.Command` whose command text is a constant and
 * whose stdin is what is wanted, so that a preview shows the lines that will change on the machine.
 */
export class Host extends pulumi.ComponentResource {
  /** As in the site's configuration; every command's name ends in it, because the engine's own errors name no machine. */
  readonly machine: string;
  readonly address: string;
  private readonly connection: pulumi.Input<remote.CommandArgs["connection"]>;
  /** The machine has the tandem command. */
  readonly ready: remote.Command;

  constructor(machine: string, args: HostArgs, opts: pulumi.ComponentResourceOptions) {
    super("tandem:host:Host", machine, {}, opts);
    if (args.hostKey.trim() === "") throw new Error(`the machine ${machine} has no SSH host key, and it is mandatory`);
    requireLiveAgent();
    this.machine = machine;
    this.address = args.address;
    this.connection = {
      host: args.address,
      port: args.port,
      user: args.ssh.user,
      privateKey: args.ssh.privateKey,
      hostKey: args.hostKey,
      perDialTimeout: args.ssh.dialTimeoutSeconds,
      dialErrorLimit: args.ssh.dialAttempts,
    };
    const place = (path: string, mode: string) =>
      `umask 022 && mkdir -p ${LIB} && cat >${path}.new && chmod ${mode} ${path}.new && mv -f ${path}.new ${path}`;
    const sourcesText = sourcesFile(args.artifacts);
    const sources = this.command("sources", { create: place(SOURCES, "0644"), stdin: sourcesText, parent: this });
    const prepared = this.command("bootstrap", {
      create: `${place(BOOTSTRAP, "0755")} && ${within(APPLY_SECONDS)} ${BOOTSTRAP} prepare`,
      // It deletes itself, and is the last to go.
      delete: `if test -x ${BOOTSTRAP}; then ${within(60)} ${BOOTSTRAP} remove; fi`,
      // The last line makes the engine run it again when the sources change.
      stdin: `${readTemplate(BOOTSTRAP.slice(1))}# ${createHash("sha256").update(sourcesText).digest("hex")}\n`,
      parent: this,
      dependsOn: [sources],
    });
    this.ready = this.command("program", {
      create: `${within(60)} ${BOOTSTRAP} program`,
      stdin: args.program,
      parent: this,
      dependsOn: [prepared],
    });
    this.registerOutputs();
  }

  /** Makes the machine what `files` says, and undoes it when the component leaves the program. */
  push(component: string, files: pulumi.Input<FileSet>, opts: PushOptions): remote.Command {
    const name = opts.secret ? `${component}-secrets` : component;
    return this.command(name, {
      create: `${within(APPLY_SECONDS)} ${TANDEM} apply`,
      delete: `${within(APPLY_SECONDS)} ${TANDEM} remove`,
      stdin: toJson(pulumi.output(files).apply((set): ApplyBundle => ({ component: name, ...(set as FileSet) }))),
      ...this.after(opts),
    });
  }

  /**
   * Runs a verb of the tandem command with `input` as JSON on stdin, when the input changes. Verbs are idempotent.
   * @param verb constant words: nothing of the configuration belongs into a command line
   */
  run(name: string, verb: string, input: pulumi.Input<object>, opts: RunOptions): remote.Command {
    const limit = within(opts.timeoutSeconds ?? APPLY_SECONDS);
    return this.command(name, {
      create: `${limit} ${TANDEM} ${verb}`,
      ...(opts.undo === undefined ? {} : { delete: `${limit} ${TANDEM} ${opts.undo}` }),
      ...(opts.secretOutput === undefined ? {} : { secretOutput: opts.secretOutput }),
      stdin: toJson(input),
      ...this.after(opts),
    });
  }

  private after({ parent, dependsOn = [], secret = false }: PushOptions) {
    return { parent, secret, dependsOn: [this.ready, ...dependsOn] };
  }

  private command(name: string, wanted: Wanted): remote.Command {
    const { parent, dependsOn, secret, secretOutput, stdin, ...verbs } = wanted;
    return new remote.Command(
      `${name}-${this.machine}`,
      {
        ...verbs,
        stdin: secret ? pulumi.secret(stdin) : stdin,
        connection: this.connection as remote.CommandArgs["connection"],
        // Both would go through environment variables, which sshd refuses with a warning per command.
        addPreviousOutputInEnv: false,
        logging: remote.Logging.None,
      },
      {
        parent,
        ...(dependsOn === undefined ? {} : { dependsOn: [...dependsOn] }),
        // Always [secret], and a line of noise in every diff.
        hideDiffs: ["connection"],
        ...(secretOutput ? { additionalSecretOutputs: ["stdout"] } : {}),
        // Dialling ends by its own limit; these cover the work.
        customTimeouts: { create: "20m", update: "20m", delete: "20m" },
      },
    );
  }
}

interface Wanted {
  readonly create: string;
  readonly delete?: string;
  readonly stdin: pulumi.Input<string>;
  readonly parent: pulumi.Resource;
  readonly dependsOn?: readonly pulumi.Resource[];
  readonly secret?: boolean;
  readonly secretOutput?: boolean;
}

/** What bootstrap.sh has to know before there is any program; pure. */
export function sourcesFile({ bundle = "", node }: ArtifactsConfig): string {
  return environmentFile({ BUNDLE: bundle, NODE_URL: node?.url ?? "", NODE_SHA256: node?.sha256 ?? "" });
}

/** The command plugin asks the agent even where it has a key, and fails on every machine when nobody answers. */
function requireLiveAgent(): void {
  const socket = process.env.SSH_AUTH_SOCK;
  if (!socket || existsSync(socket)) return;
  throw new Error(
    `SSH_AUTH_SOCK is ${socket}, which does not exist, and no machine could be reached with it; start the SSH agent, or run ` +
      "this without the variable: env -u SSH_AUTH_SOCK pulumi up",
  );
}

/** A command that loses its connection goes on on the machine, so its time limit is there too. */
function within(seconds: number): string {
  return `timeout --kill-after=10 ${seconds}`;
}

/** Indented, so that a preview that cannot diff objects still diffs lines. */
function toJson(value: pulumi.Input<object>): pulumi.Output<string> {
  return pulumi.output(value).apply((object) => JSON.stringify(object, null, 1));
}
