import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyBundle } from "../../components/cli/apply/apply.ts";
import type { ApplyBundle } from "../../components/cli/apply/bundle-type.ts";
import { removeBundle } from "../../components/cli/apply/remove.ts";
import { example } from "./apply-example.ts";
import { FakeMachine } from "./fake-machine.ts";

let machine: FakeMachine;

beforeEach(() => {
  machine = new FakeMachine();
});

afterEach(() => {
  machine.remove();
});

const change = (verb: "start" | "enable", unit: string) => machine.run(["systemctl", verb, unit], { timeoutMs: 1 });

describe("a purge", () => {
  const bundle = example("one", { data: ["/var/lib/example"], purge: true });
  const mounts = (...places: string[]) =>
    machine.put("/proc/self/mounts", places.map((place) => `fs ${machine.root}${place} nfs4 rw 0 0\n`).join(""));

  it("leaves what is mounted in the data as it is, and goes on once it is unmounted", async () => {
    await applyBundle(machine, bundle);
    machine.put("/var/lib/example/pods/1/with space/theirs", "precious");
    mounts("/", "/var/lib/example/pods/1", "/var/lib/example/pods/1/with\\040space", "/var/lib/example-too");
    await expect(removeBundle(machine, bundle)).rejects.toThrow(
      "file systems are mounted where data is to be purged, and would be emptied; nothing was deleted. Stop what uses them, unmount " +
        `them, or reboot this machine, and run this again:\n    umount '${machine.root}/var/lib/example/pods/1/with space'\n` +
        `    umount '${machine.root}/var/lib/example/pods/1'`,
    );
    expect(machine.read("/var/lib/example/pods/1/with space/theirs")).toBe("precious");
    expect(machine.running()).toEqual({});
    expect(machine.tree()).toContain("/etc/example/a.json");
    mounts("/", "/var/lib/example-too");
    await removeBundle(machine, bundle);
    expect(machine.tree()).toEqual([]);
  });

  it("leaves a mount at its very place", async () => {
    machine.put("/var/lib/example/theirs", "precious");
    mounts("/var/lib/example");
    await expect(removeBundle(machine, bundle)).rejects.toThrow("would be emptied");
    expect(machine.read("/var/lib/example/theirs")).toBe("precious");
  });
});

it("units are stopped in the reverse of the bundle's order, whichever it was before", async () => {
  const { units = [] } = example("one");
  await applyBundle(machine, example("one"));
  await applyBundle(machine, example("one", { units: [...units].reverse() }));
  machine.asked = [];
  await removeBundle(machine, example("one"));
  expect(machine.asked.filter((asked) => asked.startsWith("stop"))).toEqual(["stop a.service", "stop b.service"]);
});

describe("a service that a package brings", () => {
  const runtime: ApplyBundle = {
    component: "kubelet",
    files: { "/etc/containerd/config.toml": { mode: "0644", content: "ours", takeOver: true } },
    units: [{ name: "containerd.service", enable: true, state: "started", restartOn: ["/etc/containerd/config.toml"] }],
  };
  beforeEach(() => {
    machine.put("/etc/containerd/config.toml", "theirs");
    machine.reads.set("containerd.service", ["/etc/containerd/config.toml"]);
  });
  /** Twice: what the first run has changed is not what was there before. */
  async function applyAndRemove(): Promise<void> {
    await applyBundle(machine, runtime);
    expect(machine.running()).toEqual({ "containerd.service": "current" });
    await applyBundle(machine, { ...runtime, versions: { some: "other" } });
    await removeBundle(machine, runtime);
    expect(machine.read("/etc/containerd/config.toml")).toBe("theirs");
  }
  const isEnabled = () => machine.units.get("containerd.service")?.enabled === "enabled";

  it("runs on, with its own configuration, if it ran before", async () => {
    await change("start", "containerd.service");
    await change("enable", "containerd.service");
    await applyAndRemove();
    expect(machine.running()).toEqual({ "containerd.service": "current" });
    expect(isEnabled()).toBe(true);
  });

  it("is stopped, and starts at boot as it did before", async () => {
    await change("enable", "containerd.service");
    await applyAndRemove();
    expect(machine.running()).toEqual({});
    expect(isEnabled()).toBe(true);
  });

  it("is stopped and disabled if it was neither started nor enabled before", async () => {
    await applyAndRemove();
    expect(machine.running()).toEqual({});
    expect(isEnabled()).toBe(false);
  });
});
