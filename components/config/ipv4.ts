/** Arithmetic of IPv4 networks. */
export interface Network {
  readonly address: string;
  readonly prefixLength: number;
}

/** @param text `address/bits`, checked before */
export function parseNetwork(text: string): Network {
  const [address = "", bits = ""] = text.split("/");
  return { address, prefixLength: Number(bits) };
}

export function contains({ address, prefixLength }: Network, other: string): boolean {
  const size = 2 ** (32 - prefixLength);
  return Math.floor(toNumber(address) / size) === Math.floor(toNumber(other) / size);
}

export function overlaps(one: Network, other: Network): boolean {
  return one.prefixLength < other.prefixLength ? contains(one, other.address) : contains(other, one.address);
}

/** The n-th address of a network, its own number being 0. */
export function nth({ address, prefixLength }: Network, n: number): string {
  const size = 2 ** (32 - prefixLength);
  const number = Math.floor(toNumber(address) / size) * size + n;
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** Whether the address is that of its network or of the network's broadcast. */
export function isOfNobody({ address, prefixLength }: Network): boolean {
  const size = 2 ** (32 - prefixLength);
  const number = toNumber(address) % size;
  return size > 2 && (number === 0 || number === size - 1);
}

/** The lower or the upper half of a network, as `address/bits`. */
export function half(network: Network, index: 0 | 1): string {
  const prefixLength = network.prefixLength + 1;
  return `${nth(network, index * 2 ** (32 - prefixLength))}/${prefixLength}`;
}

function toNumber(address: string): number {
  return address.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
