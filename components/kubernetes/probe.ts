import type { FileSpec, Proof } from "../cli/apply/bundle-type.ts";
import type { ApiEndpoint } from "../config/kubernetes-config.ts";
import { environmentFile } from "../environment-file.ts";
import { readTemplate } from "../render.ts";
import { endpointPort } from "./endpoint.ts";
import { configFolder, probeScript } from "./paths.ts";

/** Paths on the node of what the probe trusts and of what it shows: no API server answers without a certificate. */
export interface ProbeFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** The script that asks a node's API server, for keepalived and for whoever waits. */
export function probeFiles(
  { ca, certificate, key }: ProbeFiles,
  endpoint: ApiEndpoint,
): Readonly<Record<string, FileSpec>> {
  const address = `${endpoint.address}:${endpointPort(endpoint)}`;
  const settings = environmentFile({ CA: ca, CERTIFICATE: certificate, KEY: key, ADDRESS: address });
  return {
    [`${configFolder}/probe.env`]: { mode: "0644", content: settings, check: "shell" },
    [probeScript]: { mode: "0755", content: readTemplate(probeScript.slice(1)), check: "shell" },
  };
}

/** On whichever node it is. */
export function addressAnswers(withinSeconds: number): Proof {
  return { kind: "succeeds", command: [probeScript, "address"], withinSeconds };
}

/** A manager on its node. */
export function answers(manager: "kube-controller-manager" | "kube-scheduler", withinSeconds: number): Proof {
  return { kind: "succeeds", command: [probeScript, manager], withinSeconds };
}

export function apiIsReady(withinSeconds: number): Proof {
  return { kind: "succeeds", command: [probeScript, "readyz"], withinSeconds };
}
