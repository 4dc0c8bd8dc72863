/** Requests to an API server, none of which changes anything, and small objects to put into them. */
import type { Asked } from "./api-server.ts";

function dry(path: string): string {
  return `${path}${path.includes("?") ? "&" : "?"}dryRun=All`;
}

export function post(path: string, body: object): Asked {
  return { method: "POST", path: dry(path), body };
}

export function patch(path: string, body: object): Asked {
  return { method: "PATCH", path: dry(path), body };
}

export function remove(path: string): Asked {
  return { method: "DELETE", path: dry(path) };
}

export function pod(name: string, namespace: string, more: object = {}) {
  const metadata = { name, namespace, labels: { app: "web" } };
  return { apiVersion: "v1", kind: "Pod", metadata, spec: { containers: [container("32Mi")], ...more } };
}

export function container(memory: string) {
  return { name: "web", image: "web", resources: { requests: { memory } } };
}

function workload() {
  const { metadata, spec } = pod("web", "shop");
  return {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: metadata.labels }, spec },
  };
}

export function deployment(name: string, namespace: string) {
  return { apiVersion: "apps/v1", kind: "Deployment", metadata: { name, namespace }, spec: workload() };
}

export function replicaSet() {
  return { metadata: { name: "web-1" }, spec: workload() };
}

export function volumeClaim() {
  const spec = { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } };
  return { metadata: { name: "data" }, spec };
}

export function configMap(name: string, namespace: string) {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data: { tea: "2" } };
}

export function coreEvent() {
  const involvedObject = { kind: "Pod", name: "web-0", namespace: "shop" };
  return { metadata: { name: "seen" }, involvedObject, reason: "Seen", type: "Normal" };
}

export function newEvent() {
  const regarding = { kind: "Pod", name: "web-0", namespace: "shop" };
  const who = { reportingController: "example.org/test", reportingInstance: "test", action: "Look" };
  return {
    metadata: { name: "seen" },
    regarding,
    ...who,
    eventTime: "2026-01-01T00:00:00.000000Z",
    reason: "Seen",
    type: "Normal",
  };
}
