import { expect } from "vitest";
import { Cluster } from "./api/cluster.ts";
import { scenario } from "./scenario.ts";
import { nodes } from "./site.ts";

const onKubernetes = { kubernetes: true };

scenario(
  "a site with Kubernetes answers at its address, keeps secrets encrypted, and a second up changes nothing",
  async (site) => {
    const cluster = await Cluster.of(site);
    expect(await cluster.kubectl("get", "--raw", "/readyz")).toBe("ok");
    expect(await cluster.holders()).toHaveLength(1);
    const leases = await cluster.leaseHolders();
    for (const holder of Object.values(leases)) expect(nodes).toContain(holder);

    await cluster.kubectl("create", "secret", "generic", "told", "--from-literal=word=plain-as-day");
    expect(await cluster.kubectl("get", "secret", "told", "-o", "jsonpath={.data.word}")).toBe(
      Buffer.from("plain-as-day").toString("base64"),
    );
    const stored = await site.etcdctl("n1", "get /registry/secrets/default/told --print-value-only");
    expect(stored).toContain("k8s:enc:secretbox:v1:site:");
    expect(stored).not.toContain("plain-as-day");
    await cluster.kubectl("delete", "secret", "told");

    expect(await site.up(["--expect-no-changes"])).toContain("unchanged");
  },
  onKubernetes,
);

scenario(
  "anonymous clients, and clients of etcd, are nobody to the API",
  async (site) => {
    const answers = await Promise.all(
      ["", "--cert /etc/tandem/pki/etcd-client.crt --key /etc/tandem/pki/etcd-client.key"].map(async (credentials) => {
        const ask = `curl --silent --output /dev/null --write-out '%{http_code}' --cacert /etc/tandem/pki/kubernetes/ca.crt ${credentials} https://127.0.0.1:6443/api/v1/namespaces`;
        return (await site.guest("n1").run(ask, { check: false })).stdout;
      }),
    );
    expect(answers).toEqual(["401", "401"]);
  },
  onKubernetes,
);
