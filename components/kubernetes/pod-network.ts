/** The pods' network: each node has its half, on a bridge; the other half is one route away. */
import { half, parseNetwork } from "../config/ipv4.ts";
import type { NodeConfig } from "../config/site-config.ts";
import { render } from "../render.ts";

export const cniFolder = "/etc/cni/net.d";
export const bridge = "tandem-pods";

/** The addresses of a node's pods, as `address/bits`. */
export function podsOf(podCidr: string, index: 0 | 1): string {
  return half(parseNetwork(podCidr), index);
}

/** A configuration for CNI: an address of the node's half for each pod. */
export function podNetwork(podCidr: string, index: 0 | 1): string {
  const network = {
    cniVersion: "0.4.0",
    name: bridge,
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: "host-local",
          ranges: [[{ subnet: podsOf(podCidr, index) }]],
          routes: [{ dst: "0.0.0.0/0" }],
          // Given addresses end with the boot, as the pods' networks do.
          dataDir: "/run/tandem-pods",
        },
      },
    ],
  };
  return `${JSON.stringify(network, undefined, 2)}\n`;
}

/**
 * The unit with the route to the other node's pods. It goes over the frontend: what pods say to each other must not slow the backend,
 * on which the datastore replicates.
 */
export function podRouteUnit(podCidr: string, nodes: readonly [Frontend, Frontend], index: 0 | 1): string {
  const other = index === 0 ? 1 : 0;
  const values = { pods: podsOf(podCidr, other), sibling: nodes[other].name, via: nodes[other].frontend };
  return render("etc/systemd/system/tandem-pods.service.hbs", values);
}

type Frontend = Pick<NodeConfig, "name" | "frontend">;
