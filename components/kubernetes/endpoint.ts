import { isIP } from "node:net";
import type { ApiEndpoint } from "../config/kubernetes-config.ts";
import { apiServerPort } from "./paths.ts";

/** Where the API is, with whichever of the two ways. */
export function endpointUrl(endpoint: ApiEndpoint): string {
  return `https://${endpoint.address}:${endpointPort(endpoint)}`;
}

export function endpointPort(endpoint: ApiEndpoint): number {
  return endpoint.kind === "vip" ? apiServerPort : endpoint.port;
}

/** What a certificate of the API has to say for its clients. */
export function endpointNames({ address }: Pick<ApiEndpoint, "address">) {
  return isIP(address) === 0 ? { dnsNames: [address], ipAddresses: [] } : { dnsNames: [], ipAddresses: [address] };
}
