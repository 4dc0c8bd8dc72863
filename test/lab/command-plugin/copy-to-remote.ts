import { readdir, readFile, stat } from "node:fs/promises";
import { posix } from "node:path";
import type { Client, SFTPWrapper } from "ssh2";
import { type Connection, dial } from "./connection.ts";
import type { Context, ResourceType } from "./resource.ts";
import { hashOf, type Properties, type Source, sourceOf } from "./wire.ts";

export const copyToRemote: ResourceType = {
  fields: ["connection", "source", "remotePath", "triggers"],
  required: ["connection", "source", "remotePath"],
  replaceOn: ["triggers"],
  outputs: [],
  problems: ({ source }) =>
    source === undefined || sourceOf(source)
      ? []
      : [{ property: "asset", reason: "either asset or archive must be set" }],
  create: async (inputs, context) => {
    await copy(inputs, context);
    return {};
  },
  update: async (inputs, state, context) => {
    if (hashOf(inputs.source) !== hashOf(state.source) || inputs.remotePath !== state.remotePath)
      await copy(inputs, context);
    return {};
  },
  remove: async () => {},
};

async function copy(inputs: Properties, context: Context): Promise<void> {
  const source = sourceOf(inputs.source) as Source;
  const path = String(inputs.remotePath);
  const client = await dial(inputs.connection as Connection, context);
  try {
    const remote = new RemoteFiles(await openSftp(client));
    if (source.kind === "text") await copyText(remote, source.text, path);
    else await copyPath(remote, source.path, path);
  } finally {
    client.end();
  }
}

async function copyText(remote: RemoteFiles, text: string, path: string): Promise<void> {
  if ((await remote.kind(path)) === "folder")
    throw new Error(`remote path ${path} is a directory; when using a text asset, remotePath must be a file path`);
  await remote.makeFolders(posix.dirname(path));
  await remote.write(path, Buffer.from(text));
}

/** A folder with a trailing slash is copied by its content, one without by its name; a file into an existing folder by its name. */
async function copyPath(remote: RemoteFiles, source: string, path: string): Promise<void> {
  const target = await remote.kind(path);
  const name = posix.basename(source);
  if ((await stat(source)).isDirectory()) {
    if (target === "file") throw new Error(`remote path ${path} exists but is not a directory`);
    await copyFolder(remote, source, source.endsWith("/") ? path : posix.join(path, name));
    return;
  }
  const file = target === "folder" ? posix.join(path, name) : path;
  await remote.makeFolders(posix.dirname(file));
  await remote.write(file, await readFile(source));
}

async function copyFolder(remote: RemoteFiles, source: string, path: string): Promise<void> {
  await remote.makeFolders(path);
  for (const entry of await readdir(source, { withFileTypes: true })) {
    const [from, to] = [posix.join(source, entry.name), posix.join(path, entry.name)];
    if (entry.isDirectory()) await copyFolder(remote, from, to);
    else await remote.write(to, await readFile(from));
  }
}

class RemoteFiles {
  readonly #sftp: SFTPWrapper;

  constructor(sftp: SFTPWrapper) {
    this.#sftp = sftp;
  }

  kind(path: string): Promise<"file" | "folder" | undefined> {
    const noSuchFile = 2;
    return new Promise((resolve, reject) => {
      this.#sftp.stat(path, (error, stats) => {
        if (!error) resolve(stats.isDirectory() ? "folder" : "file");
        else if ((error as { code?: unknown }).code === noSuchFile) resolve(undefined);
        else reject(new Error(`failed to stat remote path ${path}: ${error.message}`));
      });
    });
  }

  async makeFolders(path: string): Promise<void> {
    const kind = await this.kind(path);
    if (kind === "file") throw new Error(`remote path ${path} exists but is not a directory`);
    if (kind === "folder") return;
    await this.makeFolders(posix.dirname(path));
    await new Promise<void>((resolve, reject) => {
      this.#sftp.mkdir(path, (error) => {
        if (error) reject(new Error(`failed to create remote directory ${path}: ${error.message}`));
        else resolve();
      });
    });
  }

  write(path: string, content: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#sftp.writeFile(path, content, (error) => {
        if (error) reject(new Error(`failed to create remote file ${path}: ${error.message}`));
        else resolve();
      });
    });
  }
}

function openSftp(client: Client): Promise<SFTPWrapper> {
  return new Promise((resolve, reject) => {
    client.once("close", () => reject(new Error("ssh: connection closed before the copy began")));
    client.sftp((error, sftp) => (error ? reject(error) : resolve(sftp)));
  });
}
