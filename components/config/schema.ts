export type * from "./site-config.ts";
