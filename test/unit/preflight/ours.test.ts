import { describe, expect, it } from "vitest";
import { isOurs } from "../../../components/cli/preflight/gather.ts";

const of = (unit: string) => `0::/system.slice/${unit}\n`;
const site = "store-0042";

describe("who listens is of the site", () => {
  it("if a component has its unit", () => {
    expect(isOurs(of("kubelet.service"), site, new Set(["kubelet.service"]))).toBe(true);
    expect(isOurs(of("kubelet.service"), site, new Set(["etcd.service"]))).toBe(false);
    expect(isOurs("0::/user.slice/user-0.slice/session-1.scope\n", site, new Set(["etcd.service"]))).toBe(false);
  });

  it("if it is nginx, which may serve others too", () => {
    expect(isOurs(of("nginx.service"), site, new Set())).toBe(true);
  });

  it("if it is the site's own balancer, and not another site's", () => {
    const units = ["tandem-balancer-store-0042.service", "tandem-balancer-store-0043.service"];
    expect(units.map((unit) => isOurs(of(unit), site, new Set(units)))).toEqual([true, false]);
  });
});
