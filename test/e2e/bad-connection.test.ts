import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { run } from "../lab/process.ts";
import { failingUp, failingUpWithKey } from "./failing-up.ts";
import { blankScenario } from "./scenario.ts";

const minute = 60_000;

/** The first step on a machine, and all that is said of it. */
const toldOf = (machine: string, message: string) =>
  `command:remote:Command (sources-${machine}):\n    error: after 3 failed attempts: ${message}\n`;

blankScenario("a wrong host key and an unreachable node are named, and end within a minute", async (site) => {
  const { output, tookMs } = await failingUp(site, ({ nodes: [first, second] }) => {
    first.hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAz80ysL+DEaRu8O7DzM6M0Fi0zxaurOzOqTbM+5ustt";
    second.frontend = "10.77.1.99";
  });
  expect(tookMs).toBeLessThan(minute);
  expect(output).toContain(toldOf("n1", "ssh: handshake failed: ssh: host key mismatch"));
  // The engine begins no step once one has failed: on a busy machine that may be before it has come to the other node.
  if (!output.includes("(sources-n2)")) throw new Error(`n1's first step failed before n2's had begun:\n${output}`);
  expect(output).toContain(toldOf("n2", "dial tcp 10.77.1.99:22: connect: no route to host"));
  expect((await site.guest("n1").run("ls /usr/local/lib")).stdout).not.toContain("tandem");
});

blankScenario("an SSH key that no machine takes is told for each of them", async (site) => {
  const file = join(site.lab.folder, "wrong_key");
  await run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file]);
  const { output } = await failingUpWithKey(site, await readFile(file, "utf8"));
  for (const machine of ["n1", "n2", "witness"])
    expect(output).toContain(
      toldOf(machine, "ssh: handshake failed: ssh: unable to authenticate, no supported methods remain"),
    );
  expect((await site.guest("n1").run("ls /usr/local/lib")).stdout).not.toContain("tandem");
  // For a while sshd turns away an address that could not authenticate; it forgets that when it is started anew.
  await Promise.all(site.lab.guests.map((guest) => guest.run("systemctl restart ssh")));
});
