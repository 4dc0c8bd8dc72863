import { createRequire } from "node:module";
import type * as Grpc from "@grpc/grpc-js";

/** The gRPC library that Pulumi's generated code itself uses: two copies of it do not know each other's types. */
export const grpc: typeof Grpc = createRequire(import.meta.resolve("@pulumi/pulumi"))("@grpc/grpc-js");
