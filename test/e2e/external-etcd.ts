import { readFile } from "node:fs/promises";
import { type GuestSpec, KUBERNETES_GUESTS, PLAIN_GUESTS } from "../lab/lab.ts";
import { PlainEtcd } from "../lab/plain-etcd.ts";
import type { Site } from "./site.ts";

/** Two nodes, and three machines of somebody else. */
export const EXTERNAL_GUESTS: readonly GuestSpec[] = [
  ...KUBERNETES_GUESTS.filter(({ name }) => name !== "w"),
  ...PLAIN_GUESTS.map((guest) => ({ ...guest, memoryMb: 512, diskMb: 0 })),
];

/** An etcd cluster on the other machines. */
export function startEtcd({ lab }: Site): Promise<PlainEtcd> {
  return PlainEtcd.start(
    lab,
    PLAIN_GUESTS.map(({ name }) => lab.guest(name)),
  );
}

/** Makes it the datastore of the stack, with neither witness nor volume. */
export async function useEtcd({ stack }: Site, { client }: PlainEtcd): Promise<void> {
  const [caCertificate, clientCertificate, key] = await Promise.all(
    [client.tls.ca, client.tls.cert, client.tls.key].map((file) => readFile(file, "utf8")),
  );
  await stack.change((site) => {
    delete site.witness;
    for (const node of site.nodes) {
      delete node.backend;
      delete node.disk;
    }
    const servers = client.endpoints.map(({ url }) => url);
    site.datastore = { kind: "etcd-cluster", servers, caCertificate, clientCertificate };
  });
  const path = "tandem:site.datastore.clientKey";
  await stack.pulumi(["config", "set", "--secret", "--path", path], { input: key ?? "" });
}
