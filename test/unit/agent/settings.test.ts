import { expect, test } from "vitest";
import { parseSettings } from "../../../components/arbiter/agent/settings.ts";

const good = {
  core: {
    site: "store-0042",
    node: "n1",
    sibling: "n2",
    index: 0,
    leader: "opposite",
    waitOffsetMs: 0,
    bootOffsetMs: 0,
    readHoldOffMs: 5000,
    killLimitMs: 2000,
  },
  own: { frontend: "10.77.1.11", backend: "10.77.2.11" },
  peer: { frontend: "10.77.1.12", backend: "10.77.2.12" },
  drbd: { minor: 10, port: 7788 },
  witness: { url: "https://10.77.1.20:8443", servername: "store-0042.tandem-witness", ca: "witness-ca.crt" },
  detector: { pingIntervalMs: 100, silenceMs: 400, probes: 2, probeIntervalMs: 50 },
  tellsBalancer: false,
  kubernetes: {
    ...{ port: 6443, ca: "/etc/tandem/pki/kubernetes/ca.crt", impersonate: null },
    ...{ certificate: "/etc/tandem/pki/kubernetes/agent.crt", key: "/etc/tandem/pki/kubernetes/agent.key" },
  },
};

test("settings are read as they are", () => {
  expect(parseSettings(JSON.stringify(good))).toEqual(good);
  expect(parseSettings(JSON.stringify({ ...good, kubernetes: null }))).toEqual({ ...good, kubernetes: null });
});

test.each([
  ["core.index", { ...good, core: { ...good.core, index: 2 } }, "core.index is 2; allowed is 0, 1"],
  [
    "a missing word",
    { ...good, own: { frontend: "10.77.1.11" } },
    "own.backend is missing; allowed is an IPv4 address",
  ],
  ["an unknown word", { ...good, waitOffset: 1 }, "waitOffset is not known here"],
  [
    "a url",
    { ...good, witness: { ...good.witness, url: "http://w/" } },
    'witness.url is "http://w/"; allowed is an https',
  ],
  [
    "a suspicion after one lost packet",
    { ...good, detector: { ...good.detector, silenceMs: 200 } },
    "detector.silenceMs is 200; allowed is three",
  ],
  [
    "a relative path",
    { ...good, kubernetes: { ...good.kubernetes, key: "agent.key" } },
    'kubernetes.key is "agent.key"; allowed is an absolute path',
  ],
  ["no object", [], "the whole is []; allowed is an object"],
])("%s is refused in words", (_, settings, message) => {
  expect(() => parseSettings(JSON.stringify(settings))).toThrow(message);
});

test("what is not JSON is refused", () => {
  expect(() => parseSettings("{")).toThrow("not JSON");
});
