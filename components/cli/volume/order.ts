import { Failure } from "../verb.ts";

/** What a site wants of the volume on one node; stdin of `tandem volume create`. */
export interface VolumeOrder {
  readonly site: string;
  readonly node: string;
  readonly sibling: string;
  /** 0 is node one, which makes the first contents. */
  readonly index: 0 | 1;
  /** Client URL of the sibling's regular etcd member. */
  readonly siblingEtcd: string;
  /** Peer URL of this node's regular etcd member, by which a cluster that expects it knows it. */
  readonly peerUrl: string;
  /** Absolute path of the block device under the volume. */
  readonly disk: string;
  readonly minor: number;
  /** DRBD's own, on both nodes. */
  readonly port: number;
  /** The least size of the disk. */
  readonly bytes: number;
  readonly resyncKibibytesPerSecond: number;
  /** Whether `tandem volume destroy` also erases the data. */
  readonly purge: boolean;
}

/** @throws Failure if it is not an order; it comes from our own program, so only its presence is checked */
export function parseOrder(text: string): VolumeOrder {
  try {
    const order = JSON.parse(text) as VolumeOrder;
    if (typeof order.site === "string" && typeof order.disk === "string") return order;
  } catch {
    // Told below.
  }
  throw new Failure("stdin is not an order in JSON; `pulumi up` pipes one in");
}
