import { CommandError } from "../lab/process.ts";
import type { Site as SiteConfig } from "../lab/stack.ts";
import type { Site } from "./site.ts";

export interface FailedUp {
  /** All that the CLI printed, without colours. */
  output: string;
  tookMs: number;
}

/** An `up` that must fail, with `tandem:site` changed for it alone. @throws if it succeeds */
export function failingUp(site: Site, edit: (config: SiteConfig) => void): Promise<FailedUp> {
  return failing(site, () => site.stack.change(edit));
}

/** The same with another key for the machines. */
export function failingUpWithKey(site: Site, privateKey: string): Promise<FailedUp> {
  const set = ["config", "set", "--secret", "--path", "tandem:site.ssh.privateKey"];
  return failing(site, () => site.stack.pulumi(set, { input: privateKey }));
}

/** The same after any change of the stack's configuration, which is taken back. */
export function failing(site: Site, change: () => Promise<unknown>): Promise<FailedUp> {
  return site.changed(change, async () => {
    const startedAt = performance.now();
    try {
      const output = await site.up(["--color", "never"]);
      throw new Error(`up succeeded, and was to fail:\n${output}`);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const { stdout, stderr } = error.result;
      return { output: stdout + stderr, tookMs: performance.now() - startedAt };
    }
  });
}
