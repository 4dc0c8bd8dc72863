import type { ApplyBundle } from "../../components/cli/apply/bundle-type.ts";

const service = "[Unit]\nDescription=A test\n[Service]\nExecStart=/bin/true\n";

/** A component with a configuration file, a unit that reads it, and one that does not. */
export function example(setting: string, extra: Partial<ApplyBundle> = {}): ApplyBundle {
  return {
    component: "example",
    directories: { "/etc/example": { mode: "0750" } },
    files: {
      "/etc/example/a.json": { mode: "0640", content: JSON.stringify({ setting }), check: "json" },
      "/etc/systemd/system/a.service": { mode: "0644", content: service, check: "unit" },
      "/etc/systemd/system/b.service": { mode: "0644", content: service, check: "unit" },
    },
    units: [
      { name: "a.service", enable: true, state: "started", restartOn: ["/etc/example/a.json"] },
      { name: "b.service", enable: true, state: "started", restartOn: ["/etc/systemd/system/b.service"] },
    ],
    ...extra,
  };
}
