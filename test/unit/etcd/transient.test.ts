import { expect, test } from "vitest";
import { transientFiles } from "../../../components/etcd/transient.ts";
import { plan } from "./plan.ts";

const settings = (changed = plan, trusted = "authority") =>
  transientFiles(changed, 0, trusted).files?.["/etc/tandem/etcd/transient.yaml"]?.content;

test("T's file changes with everything that it reads only when it starts, and with nothing else", () => {
  const { datastore } = plan;
  const other = { ...plan, datastore: { ...datastore, etcd: { ...datastore.etcd, sha256: "1".repeat(64) } } };
  expect(settings()).toBe(settings(plan));
  expect(settings(other)).not.toBe(settings());
  expect(settings(plan, "another authority")).not.toBe(settings());
  expect(settings({ ...plan, datastore: { ...datastore, heartbeatMs: 50 } })).not.toBe(settings());
});
