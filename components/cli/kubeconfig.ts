import { readFile } from "node:fs/promises";
import { Failure, type Verb } from "./verb.ts";

const path = "/etc/rancher/k3s/k3s.yaml";

export const kubeconfig: Verb = {
  usage: "kubeconfig",
  summary: "Prints the kubeconfig that k3s has written for this node's root; it opens everything.",
  async run() {
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      throw new Failure(
        `there is no ${path}; k3s writes it when its API answers for the first time, see \`journalctl -u k3s\``,
      );
    });
    process.stdout.write(text);
  },
};
