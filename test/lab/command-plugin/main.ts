/**
 * A stand-in of the Pulumi plugin `pulumi-resource-command` 1.2.1, for machines that cannot have the real one: the types
 * `command:remote:Command`, `command:local:Command` and `command:remote:CopyToRemote` by the same contract.
 *
 * Differences, all on purpose: a host that stops answering is noticed by keepalives, `perDialTimeout` covers the SSH handshake too, every
 * connection is closed after its command; no `proxy`, no `assetPaths`, no `archivePaths`; a refused `environment` is not reported.
 */
import type { UntypedServiceImplementation } from "@grpc/grpc-js";
import provider from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { EngineLog } from "./engine-log.ts";
import { grpc } from "./grpc.ts";
import { service } from "./service.ts";

/** The engine's address is the one argument that is no flag; `--tracing` takes a value. */
function engineAddress(args: string[]): string {
  const positional = args.filter((arg, index) => !arg.startsWith("-") && args[index - 1] !== "--tracing");
  if (!positional[0])
    throw new Error("no engine address on the command line: this program is started by the Pulumi engine");
  return positional[0];
}

const engine = new EngineLog(engineAddress(process.argv.slice(2)));
const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService(provider.ResourceProviderService, service(engine) as UntypedServiceImplementation);
server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  // The engine reads the port from the first line.
  process.stdout.write(`${port}\n`);
});

// The engine holds the other end for as long as it lives; a killed engine leaves no plugin behind.
process.stdin.on("end", () => process.exit()).resume();
