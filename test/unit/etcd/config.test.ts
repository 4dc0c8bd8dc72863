import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { etcdConfig, etcdOptions } from "../../../components/etcd/config.ts";
import { plan } from "./plan.ts";

describe("the members", () => {
  test("a regular one serves clients on the frontend and on loopback, and its peers on the backend", () => {
    expect(etcdOptions(plan, "regular", 1)).toMatchObject({
      name: "E2",
      "listen-peer-urls": "https://10.77.2.12:2380",
      "initial-advertise-peer-urls": "https://10.77.2.12:2380",
      "listen-client-urls": "https://10.77.1.12:2379,https://127.0.0.1:2379",
      "advertise-client-urls": "https://10.77.1.12:2379",
    });
  });

  test("T is the same member on either node: only where it listens and how long it waits differ", () => {
    const [one, two] = [etcdOptions(plan, "transient", 0), etcdOptions(plan, "transient", 1)];
    const differing = Object.keys(one).filter((key) => JSON.stringify(one[key]) !== JSON.stringify(two[key]));
    expect(differing).toEqual(["listen-peer-urls", "listen-client-urls", "election-timeout"]);
    expect(one).toMatchObject({
      name: "T",
      "data-dir": "/var/lib/etcd-transient/data",
      "initial-advertise-peer-urls": "https://10.77.2.11:2382,https://10.77.2.12:2382",
    });
  });

  test("all of them list the same cluster", () => {
    const lists = (["regular", "transient"] as const).flatMap((role) =>
      ([0, 1] as const).map((index) => etcdOptions(plan, role, index)["initial-cluster"]),
    );
    expect(new Set(lists)).toEqual(
      new Set([
        "E1=https://10.77.2.11:2380,E2=https://10.77.2.12:2380,T=https://10.77.2.11:2382,T=https://10.77.2.12:2382",
      ]),
    );
  });

  test("both ends of every connection show a certificate", () => {
    const options = etcdOptions(plan, "regular", 0);
    for (const side of ["client-transport-security", "peer-transport-security"])
      expect(options[side]).toMatchObject({
        "client-cert-auth": true,
        "trusted-ca-file": "/etc/tandem/pki/etcd-ca.crt",
      });
  });

  test("only node one's own member may shorten its first election timeout", () => {
    const advance = (["regular", "transient"] as const).map((role) =>
      ([0, 1] as const).map((index) => etcdOptions(plan, role, index)["initial-election-tick-advance"]),
    );
    expect(advance).toEqual([
      [true, false],
      [false, false],
    ]);
  });
});

describe("the settings of the site", () => {
  test("compaction by revision is a bare number for etcd", () => {
    const datastore = { ...plan.datastore, autoCompaction: { mode: "revision", retentionRevisions: 5000 } as const };
    expect(etcdOptions({ ...plan, datastore }, "regular", 0)).toMatchObject({
      "auto-compaction-mode": "revision",
      "auto-compaction-retention": "5000",
    });
  });

  test("corruption checks have the names of etcd 3.5 or of 3.6", () => {
    const of = (version: string) =>
      Object.keys(
        etcdOptions(
          { ...plan, datastore: { ...plan.datastore, etcd: { ...plan.datastore.etcd, version } } },
          "regular",
          0,
        ),
      ).filter((key) => /corrupt|hash|gates/.test(key));
    expect(of("3.5.35")).toEqual([
      "experimental-initial-corrupt-check",
      "experimental-corrupt-check-time",
      "experimental-compact-hash-check-enabled",
    ]);
    expect(of("3.6.14")).toEqual(["feature-gates", "corrupt-check-time"]);
  });

  test("the file is YAML that says the same as the object", () => {
    expect(parse(etcdConfig(plan, "transient", 1))).toEqual(etcdOptions(plan, "transient", 1));
  });
});
