import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyBundle, planBundle } from "../../components/cli/apply/apply.ts";
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

describe("apply", () => {
  it("writes the files with their modes, then starts the units in their order", async () => {
    await applyBundle(machine, example("one"));
    expect(machine.read("/etc/example/a.json")).toBe('{"setting":"one"}');
    expect(machine.mode("/etc/example/a.json")).toBe("0640");
    expect(machine.mode("/etc/example")).toBe("0750");
    expect(machine.asked).toEqual([
      "daemon-reload",
      "enable --no-reload a.service",
      "start a.service",
      "enable --no-reload b.service",
      "start b.service",
    ]);
  });

  it("does nothing the second time", async () => {
    await applyBundle(machine, example("one"));
    machine.asked = [];
    expect(await applyBundle(machine, example("one"))).toEqual([]);
    expect(machine.asked).toEqual([]);
  });

  it("restarts only what a change concerns", async () => {
    await applyBundle(machine, example("one"));
    machine.asked = [];
    expect(await applyBundle(machine, example("two"))).toEqual([
      "wrote /etc/example/a.json",
      "unit a.service: restart",
    ]);
    expect(machine.asked).toEqual(["restart a.service"]);
  });

  it("reloads for what a reload is enough, and restarts for the rest", async () => {
    const bundle = (setting: string, more: string) =>
      example(setting, {
        files: { ...example(setting).files, "/etc/example/more": { mode: "0644", content: more } },
        units: [
          { name: "a.service", state: "started", restartOn: ["/etc/example/a.json"], reloadOn: ["/etc/example/more"] },
        ],
      });
    const asked = async (setting: string, more: string) => {
      machine.asked = [];
      await applyBundle(machine, bundle(setting, more));
      return machine.asked;
    };
    await applyBundle(machine, bundle("one", "some"));
    expect(await asked("one", "other")).toEqual(["reload a.service"]);
    expect(await asked("two", "other")).toEqual(["restart a.service"]);
    expect(await asked("three", "others")).toEqual(["restart a.service"]);
    expect(await asked("three", "others")).toEqual([]);
  });

  it("corrects a file that somebody has changed", async () => {
    await applyBundle(machine, example("one"));
    machine.put("/etc/example/a.json", "{}");
    await applyBundle(machine, example("one"));
    expect(machine.read("/etc/example/a.json")).toBe('{"setting":"one"}');
  });

  it("removes what is no longer declared: its units are stopped before their files go", async () => {
    await applyBundle(machine, example("one"));
    machine.asked = [];
    const { files, units } = example("one");
    const { "/etc/systemd/system/b.service": _, ...rest } = files ?? {};
    await applyBundle(machine, example("one", { files: rest, units: (units ?? []).slice(0, 1) }));
    expect(machine.asked).toEqual(["stop b.service", "disable --no-reload b.service", "daemon-reload"]);
    expect(machine.tree()).not.toContain("/etc/systemd/system/b.service");
  });

  it("only tells in a dry run", async () => {
    await applyBundle(machine, example("one"));
    const before = machine.tree();
    machine.asked = [];
    expect(await planBundle(machine, example("two", { units: [{ name: "a.service", state: "stopped" }] }))).toEqual([
      "would write /etc/example/a.json",
      "would stop a.service",
    ]);
    expect([machine.tree(), machine.asked]).toEqual([before, []]);
    expect(machine.read("/etc/example/a.json")).toBe('{"setting":"one"}');
  });

  it("starts a unit that waits for other machines without waiting for it", async () => {
    const units = [{ name: "a.service", state: "started", awaitStart: false }] as const;
    await applyBundle(machine, example("one", { units }));
    expect(machine.asked).toContain("start --no-block a.service");
  });

  it("masks a package's units before it installs the package", async () => {
    machine.answers.set("dpkg-query", { stdout: "installed" });
    await applyBundle(machine, {
      component: "masks",
      packages: ["drbd-utils"],
      units: [{ name: "drbd@.service", mask: true }],
    });
    expect(machine.asked).toEqual(["mask drbd@.service"]);
    await removeBundle(machine, { component: "masks" });
    expect(machine.asked).toEqual(["mask drbd@.service", "unmask drbd@.service"]);
  });

  it("says what apt said when a package cannot be installed", async () => {
    machine.answers.set("dpkg-query", { code: 1 });
    machine.answers.set("apt-get", { code: 100, stderr: "E: Unable to locate package nginx\n" });
    await expect(applyBundle(machine, { component: "web", packages: ["nginx"] })).rejects.toThrow(
      "apt-get could not install nginx; make the package sources of this machine reachable, or install them by hand from " +
        "your own media, and run this again:\n    E: Unable to locate package nginx",
    );
  });

  it("refuses an account whose number belongs to somebody else", async () => {
    machine.put("/etc/passwd", "root:x:0:0::/root:/bin/sh\nbackup:x:2379:2379::/:/bin/sh\n");
    const users = [{ name: "tandem-etcd", id: 2379, home: "/var/lib/etcd" }];
    await expect(applyBundle(machine, { component: "users", users })).rejects.toThrow(
      "the user id 2379 belongs to backup on this machine, and Tandem needs it for tandem-etcd; give backup another id",
    );
  });

  it("fails when a unit does not become active, and finishes the next time", async () => {
    const bundle = example("one", {
      units: [{ name: "a.service" }],
      prove: [{ kind: "active", unit: "a.service", withinSeconds: 0 }],
    });
    machine.answers.set("journalctl", { stdout: "no such device\n" });
    await expect(applyBundle(machine, bundle)).rejects.toThrow(
      "a.service is not active 0 s after it was started:\n    no such device",
    );
    await machine.run(["systemctl", "start", "a.service"], { timeoutMs: 1 });
    await applyBundle(machine, bundle);
    expect(JSON.parse(machine.read("/var/lib/tandem/applied/example.json"))).toMatchObject({ pending: false });
  });
});

describe("a file that its own program refuses", () => {
  it("leaves everything as it was, and is not quoted", async () => {
    await applyBundle(machine, example("one"));
    const broken = example("one", {
      files: {
        "/etc/example/a.json": { mode: "0640", content: '{"password": "geheim"', check: "json" },
        "/etc/example/b.sh": { mode: "0755", content: "if true; then echo", check: "shell" },
      },
    });
    const before = machine.tree();
    const refused = applyBundle(machine, broken);
    await expect(refused).rejects.toThrow(
      /^the files in place were left as they are:\n\/etc\/example\/a\.json is refused as JSON: it does not parse\n\/etc\/example\/b\.sh is refused by sh -n:\n/,
    );
    await expect(refused).rejects.not.toThrow(/geheim/);
    expect(machine.tree()).toEqual(before);
    expect(machine.read("/etc/example/a.json")).toBe('{"setting":"one"}');
  });

  describe("of DRBD", () => {
    const files = (version: "8.4" | "9") => ({
      [`/etc/tandem/drbd/${version}.res`]: {
        mode: "0644",
        content: "resource etcd-t { disk { resync-rate lots; } }\n",
        check: `drbd-${version}` as const,
      },
    });

    // Where no module is loaded, as here, drbdadm takes itself for that of DRBD 9.
    it("is read by drbdadm where that version is loaded", async () => {
      machine.put("/sys/module/drbd/version", "9.2.9\n");
      await expect(applyBundle(machine, { component: "drbd", files: files("9") })).rejects.toThrow(
        /\/etc\/tandem\/drbd\/9\.res is refused by drbdadm dump:\n.*lots/s,
      );
      expect(machine.tree()).not.toContain("/etc/tandem/drbd/9.res");
    });

    it("is left to the day when the other version is loaded", async () => {
      machine.put("/sys/module/drbd/version", "8.4.11\n");
      await applyBundle(machine, { component: "drbd", files: files("9") });
      expect(machine.tree()).toContain("/etc/tandem/drbd/9.res");
    });
  });

  it("is told for units as well", async () => {
    const files = {
      "/etc/systemd/system/a.service": { mode: "0644", content: "[Service]\nType=oneshot\n", check: "unit" },
    } as const;
    await expect(applyBundle(machine, { component: "units", files })).rejects.toThrow(
      "systemd-analyze verify refuses the units:\n    a.service: Service has no ExecStart=",
    );
  });
});

describe("files of somebody else", () => {
  it("are not overwritten", async () => {
    machine.put("/etc/example/a.json", "theirs");
    await expect(applyBundle(machine, example("one"))).rejects.toThrow(
      "these files exist and were not written by Tandem; nothing was changed. If nobody needs them, move them away and run " +
        "this again:\n    mv /etc/example/a.json /etc/example/a.json.before-tandem",
    );
    expect(machine.tree()).toEqual(["/etc/example", "/etc/example/a.json"]);
  });

  const global = (content: string): ApplyBundle => ({
    component: "drbd",
    files: { "/etc/drbd.d/global_common.conf": { mode: "0644", content, takeOver: true } },
  });

  it("are kept, where a package brings them, and come back", async () => {
    machine.put("/etc/drbd.d/global_common.conf", "package's");
    await applyBundle(machine, global("ours"));
    await applyBundle(machine, global("ours too"));
    expect(machine.read("/etc/drbd.d/global_common.conf")).toBe("ours too");
    await removeBundle(machine, global("ours too"));
    expect(machine.tree()).toEqual(["/etc/drbd.d", "/etc/drbd.d/global_common.conf"]);
    expect(machine.read("/etc/drbd.d/global_common.conf")).toBe("package's");
  });
});

describe("two components on one machine", () => {
  const site = (name: string): ApplyBundle => ({
    component: `witness-${name}`,
    files: {
      [`/etc/nginx/conf.d/${name}.conf`]: { mode: "0644", content: name },
      "/usr/local/lib/tandem/witness-tree.sh": { mode: "0755", content: "exit\n" },
    },
    units: [
      {
        name: "nginx.service",
        enable: true,
        state: "started",
        reloadOn: [`/etc/nginx/conf.d/${name}.conf`],
      },
    ],
  });

  it("share a service and a file until the last one goes", async () => {
    await applyBundle(machine, site("one"));
    await applyBundle(machine, site("two"));
    machine.asked = [];
    await removeBundle(machine, site("one"));
    expect(machine.asked).toEqual(["reload-or-restart nginx.service"]);
    expect(machine.tree()).toContain("/usr/local/lib/tandem/witness-tree.sh");
    await removeBundle(machine, site("two"));
    expect(machine.asked).toEqual([
      "reload-or-restart nginx.service",
      "stop nginx.service",
      "disable --no-reload nginx.service",
    ]);
    expect(machine.tree()).toEqual([]);
  });

  it("leave a service running that ran before", async () => {
    await machine.run(["systemctl", "start", "nginx.service"], { timeoutMs: 1 });
    await applyBundle(machine, site("one"));
    machine.asked = [];
    await removeBundle(machine, site("one"));
    expect(machine.asked).toEqual(["reload-or-restart nginx.service"]);
  });

  it("hand a file over in either order", async () => {
    const with_ = (component: string, file: boolean): ApplyBundle => ({
      component,
      files: file ? { "/etc/shared": { mode: "0644", content: component } } : {},
    });
    await applyBundle(machine, with_("old", true));
    await applyBundle(machine, with_("new", true));
    await applyBundle(machine, with_("old", false));
    expect(machine.read("/etc/shared")).toBe("new");
  });
});

describe("the gate before a restart", () => {
  const gated = (setting: string) =>
    example(setting, {
      units: [{ name: "a.service", state: "started", restartOn: ["/etc/example/a.json"], gate: "protected" }],
    });

  it("is not asked at the first start", async () => {
    machine.answers.set("/usr/local/sbin/tandem wait", { code: 1 });
    await applyBundle(machine, gated("one"));
    expect(machine.running()["a.service"]).toBe("current");
  });

  it("holds a restart back until it opens, and the next run makes up for it", async () => {
    await applyBundle(machine, gated("one"));
    machine.answers.set("/usr/local/sbin/tandem wait", { code: 1, stderr: "the witness does not answer\n" });
    machine.asked = [];
    await expect(applyBundle(machine, gated("two"))).rejects.toThrow(
      "a.service has changed and was not restarted, because the site is not protected and a restart now could stop it; see " +
        "`tandem status` on both nodes, repair what it names, and run `pulumi up` again. If this very change is the repair, " +
        "`touch /run/tandem/restart-unprotected` on this node lets the next run restart without waiting:\n" +
        "    the witness does not answer",
    );
    expect(machine.asked).toEqual([]);
    machine.answers.set("/usr/local/sbin/tandem wait", { code: 0 });
    await applyBundle(machine, gated("two"));
    expect(machine.asked).toEqual(["daemon-reload", "restart a.service"]);
  });

  it("can be passed once by an operator", async () => {
    await applyBundle(machine, gated("one"));
    machine.answers.set("/usr/local/sbin/tandem wait", { code: 1 });
    machine.put("/run/tandem/restart-unprotected", "");
    await applyBundle(machine, gated("two"));
    await expect(applyBundle(machine, gated("three"))).rejects.toThrow("was not restarted");
  });
});

describe("remove", () => {
  it("takes everything back, and leaves the machine as it was", async () => {
    await applyBundle(machine, example("one"));
    machine.asked = [];
    await removeBundle(machine, example("one"));
    expect(machine.asked).toEqual([
      "stop b.service",
      "disable --no-reload b.service",
      "stop a.service",
      "disable --no-reload a.service",
      "daemon-reload",
    ]);
    expect(machine.tree()).toEqual([]);
  });

  it("leaves data alone unless it is to be purged", async () => {
    const data = { data: ["/var/lib/example/db"] };
    await applyBundle(machine, example("one", data));
    machine.put("/var/lib/example/db/wal", "precious");
    await removeBundle(machine, example("one", data));
    expect(machine.read("/var/lib/example/db/wal")).toBe("precious");
    await removeBundle(machine, example("one", { ...data, purge: true }));
    expect(machine.tree()).toEqual(["/var/lib/example"]);
  });

  it("of what was never applied succeeds", async () => {
    expect(await removeBundle(machine, example("one"))).toEqual([]);
  });
});
