/** A right configuration, and ways to spoil it. */
import { parseSite } from "../../../components/config/parse.ts";
import type { Sealed } from "../../../components/config/secret.ts";
import type { WitnessedSite } from "../../../components/config/site-config.ts";

export const hostKeys = {
  nodeOne: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB",
  nodeTwo: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC",
  witness: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD",
};

/** Self-signed; its key was thrown away. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBfDCCASGgAwIBAgIULIYpxSgrucmNGjNSrqTscY7S/eUwCgYIKoZIzj0EAwIw
EjEQMA4GA1UEAwwHd2l0bmVzczAgFw0yNjExMjEwNjA0MDRaGA8yMTI2MTAyODA2
MDQwNFowEjEQMA4GA1UEAwwHd2l0bmVzczBZMBMGByqGSM49AgEGCCqGSM49AwEH
A0IABDA5t/K2EIDHvtzWwbTEH1lOaLAUL+artpz6UdOS8GalJeSTOELl4TYnB29o
Or6/NE/xzuv6SRrjjKUcSNi6QHujUzBRMB0GA1UdDgQWBBTg0j8e0Vs8sEYznwP3
RqPskNQWqjAfBgNVHSMEGDAWgBTg0j8e0Vs8sEYznwP3RqPskNQWqjAPBgNVHRMB
Af8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQDp/roiupI58QIjonV9FAaZthIC
oS7pD/6DV+7ucnR56AIhAKSPavRsA0/wciuam/wXucl4XudTAaTV+TwzNITqiNz5
-----END CERTIFICATE-----
`;

// biome-ignore lint/suspicious/noExplicitAny: the tests put values of every wrong type anywhere
export type Raw = any;

/** What stands under `tandem:site`, with only what must be there, changed by `spoil`. */
export function rawSite(spoil: (site: Raw) => void = () => {}): Raw {
  const site = {
    name: "store-0042",
    nodes: [
      { name: "n1", frontend: "10.77.1.11", backend: "10.77.2.11", disk: "/dev/vg0/etcd-t", hostKey: hostKeys.nodeOne },
      { name: "n2", frontend: "10.77.1.12", backend: "10.77.2.12", disk: "/dev/vg0/etcd-t", hostKey: hostKeys.nodeTwo },
    ],
    ssh: { privateKey: { secure: "ciphertext" } },
    witness: { host: "10.77.1.20", hostKey: hostKeys.witness },
    datastore: { kind: "etcd-witness", etcd: { version: "3.5.33", sha256: "0".repeat(64) } },
    kubernetes: { distribution: "none" },
  };
  spoil(site);
  return site;
}

/** The errors of a spoilt site; none if it is accepted. */
export function errorsOf(spoil: (site: Raw) => void): readonly string[] {
  const result = parseSite(rawSite(spoil), {});
  return result.ok ? [] : result.errors;
}

export function warningsOf(spoil: (site: Raw) => void): readonly string[] {
  return parseSite(rawSite(spoil), {}).warnings;
}

/** The site with a witness that a configuration means. */
export function siteOf(spoil?: (site: Raw) => void): WitnessedSite<Sealed> {
  const result = parseSite(rawSite(spoil), {});
  if (!result.ok) throw new Error(result.errors.join("\n"));
  if (result.site.witness === undefined) throw new Error("the site has no witness");
  return result.site;
}
