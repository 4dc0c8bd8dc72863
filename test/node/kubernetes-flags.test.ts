import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { run } from "../../components/cli/process.ts";
import type { ClusterConfig, UpstreamConfig } from "../../components/config/kubernetes-config.ts";
import { kubernetesTimes } from "../../components/config/kubernetes-timing.ts";
import { profileOf } from "../../components/datastore/profile.ts";
import { apiServerFlags, auditPolicyPath } from "../../components/kubernetes/api-server.ts";
import { flagWords } from "../../components/kubernetes/flags.ts";
import { admissionConfig, admissionPath, k3sFlags, kubeletSettings } from "../../components/kubernetes/k3s-config.ts";
import { kubeletConfig } from "../../components/kubernetes/kubelet-config.ts";
import { auditLog } from "../../components/kubernetes/paths.ts";
import { issueAuthority } from "../../components/pki/provider/x509.ts";
import { readTemplate } from "../../components/render.ts";
import { readSite } from "../golden/rendered.ts";
import { ensureKubernetes } from "../lab/toolchain.ts";
import { freePort } from "./sshd.ts";

const site = readSite("example-k3s");
const passed = k3sFlags(kubernetesTimes(site.kubernetes as ClusterConfig, profileOf(site).gaps));
let programs: string;
let scratch: string;

beforeAll(async () => {
  programs = await ensureKubernetes();
  scratch = mkdtempSync(join(tmpdir(), "tandem-kubernetes-"));
}, 3_600_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const ask = (program: string, words: readonly string[]) =>
  run([join(programs, program), ...words], { timeoutMs: 30_000 });

describe("what k3s passes on is read by Kubernetes' own programs", () => {
  it.each([
    ["kube-apiserver", "kube-apiserver"],
    ["kube-controller-manager", "kube-controller-manager"],
    ["kube-scheduler", "kube-scheduler"],
    // It shares its generic flags with kube-controller-manager, from k8s.io/controller-manager.
    ["kube-cloud-controller-manager", "kube-controller-manager"],
  ] as const)("the flags of %s", async (name, program) => {
    const { code, stderr } = await ask(program, [...flagWords(passed[name]), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("a flag that there is not, and a value of another kind, would be seen", async () => {
    expect(await ask("kube-scheduler", ["--leader-elect-lease=23s", "--help"])).toMatchObject({ code: 1 });
    expect(await ask("kube-scheduler", ["--leader-elect-lease-duration=23", "--help"])).toMatchObject({ code: 1 });
  });
});

describe("on an etcd cluster of somebody else", () => {
  it("kube-apiserver reads the list of its servers", async () => {
    const { nodes, kubernetes, ...external } = readSite("example-external-etcd");
    const datastore = profileOf(external);
    const times = kubernetesTimes(kubernetes as UpstreamConfig, datastore.gaps);
    const flags = apiServerFlags({ node: nodes[0], kubernetes: kubernetes as UpstreamConfig, times, datastore });
    expect(String(flags["etcd-servers"]).split(",")).toHaveLength(3);
    const { code, stderr } = await ask("kube-apiserver", [...flagWords(flags), "--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("kube-apiserver, with a datastore that does not answer,", () => {
  it("takes the admission plugins and the audit policy", async () => {
    const said = await startApiServer(admissionConfig());
    expect(said).toMatch(/Loaded \d+ validating admission controller.*PodSecurity.*EventRateLimit/);
  });

  it("refuses a level that there is not", async () => {
    const said = await startApiServer(admissionConfig().replace("enforce: restricted", "enforce: strict"));
    expect(said).toMatch(/enforce: must be one of privileged, baseline, restricted/);
  });
});

describe("kubelet", () => {
  const complaints = async (settings: object) => {
    const file = join(scratch, "kubelet.conf");
    writeFileSync(file, stringify(settings));
    const none = join(scratch, "none");
    const words = [`--config=${file}`, `--kubeconfig=${none}`, `--root-dir=${none}`, `--cert-dir=${none}`];
    const { stderr } = await ask("kubelet", words);
    return stderr.split("\n").filter((line) => /decoding failed|command failed/.test(line));
  };

  it("takes its settings, and misses only its kubeconfig", async () => {
    expect(await complaints(kubeletSettings())).toEqual([
      expect.stringContaining("failed to run Kubelet: invalid kubeconfig"),
    ]);
  });

  it("takes those of upstream's nodes, and misses only the first of its certificates", async () => {
    expect(await complaints(parse(kubeletConfig({ frontend: "10.77.1.11" })))).toEqual([
      expect.stringContaining("unable to load client CA file /etc/tandem/pki/kubernetes/ca.crt"),
    ]);
  });

  it("tells of one that there is not, and of a value out of range", async () => {
    expect((await complaints({ ...kubeletSettings(), nodeLease: 16 })).join()).toContain("unknown field");
    expect((await complaints({ ...kubeletSettings(), nodeLeaseDurationSeconds: -1 })).join()).toContain(
      "must be greater than 0",
    );
  });
});

/** @returns what it says until its admission plugins are loaded, or it ends */
async function startApiServer(admission: string): Promise<string> {
  const { certificatePem, privateKeyPem } = await issueAuthority("service accounts", {
    notBefore: "2020-01-01T00:00:00Z",
    notAfter: "2100-01-01T00:00:00Z",
  });
  const file = (name: string, text: string) => {
    const path = join(scratch, name);
    writeFileSync(path, text);
    return path;
  };
  const places: Record<string, string> = {
    [admissionPath]: file("admission.yaml", admission),
    [auditPolicyPath]: file("audit-policy.yaml", readTemplate("etc/tandem/kubernetes/audit-policy.yaml")),
    [auditLog]: join(scratch, "audit.log"),
  };
  const flags = Object.entries(passed["kube-apiserver"]).map(
    ([name, value]) => [name, places[String(value)] ?? value] as const,
  );
  const child = spawn(
    join(programs, "kube-apiserver"),
    flagWords({
      ...Object.fromEntries(flags),
      "etcd-servers": "http://127.0.0.1:1",
      "bind-address": "127.0.0.1",
      "secure-port": await freePort(),
      "cert-dir": join(scratch, "certificates"),
      "service-cluster-ip-range": "10.43.0.0/16",
      "service-account-issuer": "https://test",
      "service-account-key-file": file("service-accounts.crt", certificatePem),
      "service-account-signing-key-file": file("service-accounts.key", privateKeyPem),
    }),
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  return untilSaid(child, /Loaded \d+ validating admission/);
}

function untilSaid(child: ChildProcess, awaited: RegExp): Promise<string> {
  let said = "";
  return new Promise((resolve) => {
    child.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (awaited.test(said)) child.kill("SIGKILL");
    });
    child.once("close", () => resolve(said));
  });
}
