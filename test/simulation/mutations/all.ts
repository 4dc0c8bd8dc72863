import { CLAIMS } from "./claims.ts";
import { HANDSHAKE } from "./handshake.ts";
import { KERNEL } from "./kernel.ts";
import type { Mutation } from "./mutation.ts";
import { OVERRIDE } from "./override.ts";
import { TABLE } from "./table.ts";
import { WAIVER } from "./waiver.ts";

export const MUTATIONS: readonly Mutation[] = [...TABLE, ...HANDSHAKE, ...CLAIMS, ...KERNEL, ...OVERRIDE, ...WAIVER];

export { PARTS } from "./parts.ts";
