import { main } from "@pulumi/pulumi/provider/index.js";
import { PkiProvider } from "./provider.ts";

await main(new PkiProvider(() => new Date()), process.argv.slice(2));

// The engine holds the other end for as long as it lives; a killed engine leaves no plugin behind.
process.stdin.on("end", () => process.exit()).resume();
