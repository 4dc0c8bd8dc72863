import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { kubeletConfig, kubeletFlags, kubeletKubeconfig } from "../../components/kubernetes/kubelet-config.ts";
import { podNetwork, podRouteUnit, podsOf } from "../../components/kubernetes/pod-network.ts";

const nodes = [
  { name: "n1", frontend: "10.77.1.11" },
  { name: "n2", frontend: "10.77.1.12" },
] as const;

describe("the pods' network", () => {
  it("is in two halves that share nothing", () => {
    expect(podsOf("10.244.0.0/16", 0)).toBe("10.244.0.0/17");
    expect(podsOf("10.244.0.0/16", 1)).toBe("10.244.128.0/17");
    expect(podsOf("192.168.77.0/24", 1)).toBe("192.168.77.128/25");
    // A network may be written with any of its addresses.
    expect(podsOf("10.244.200.1/16", 0)).toBe("10.244.0.0/17");
  });

  it("gives a node's pods its own half, and routes the other half to the other node over the frontend", () => {
    for (const index of [0, 1] as const) {
      const [plugin] = JSON.parse(podNetwork("10.244.0.0/16", index)).plugins;
      const [[{ subnet }]] = plugin.ipam.ranges;
      const other = index === 0 ? 1 : 0;
      expect(subnet).toBe(podsOf("10.244.0.0/16", index));
      expect(podRouteUnit("10.244.0.0/16", nodes, index)).toContain(
        `ExecStart=/usr/sbin/ip route replace ${podsOf("10.244.0.0/16", other)} via ${nodes[other].frontend} protocol kernel\n`,
      );
    }
  });
});

describe("a kubelet", () => {
  const config = parse(kubeletConfig(nodes[0]));

  it("lets nobody in without a certificate and the API's consent", () => {
    expect(config.authentication.anonymous).toEqual({ enabled: false });
    expect(config.authentication.x509).toEqual({ clientCAFile: "/etc/tandem/pki/kubernetes/ca.crt" });
    expect(config.authorization).toEqual({ mode: "Webhook" });
    expect(config.readOnlyPort).toBe(0);
    expect(config.address).toBe("10.77.1.11");
  });

  it("renews its lease as often as the patience with a silent node reckons with", () => {
    expect(config.nodeLeaseDurationSeconds / 4).toBe(4);
    expect(config.nodeStatusUpdateFrequency).toBe("4s");
  });

  it("asks the API at its address, as the node whose certificate it shows", () => {
    const { clusters, users } = parse(
      kubeletKubeconfig({ kind: "vip", address: "10.77.1.10", prefixLength: 24, interface: "eth0" }),
    );
    expect(clusters[0].cluster.server).toBe("https://10.77.1.10:6443");
    expect(users[0].user["client-certificate"]).toBe("/etc/tandem/pki/kubernetes/kubelet.crt");
    expect(kubeletFlags(nodes[1])).toMatchObject({ "hostname-override": "n2", "node-ip": "10.77.1.12" });
  });
});
