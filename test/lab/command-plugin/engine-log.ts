import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/engine_pb.js";
import { grpc } from "./grpc.ts";

/** Lines for the user, shown by the engine. */
export class EngineLog {
  readonly #client: InstanceType<typeof engineService.EngineClient>;
  #sent: Promise<void> = Promise.resolve();

  /** @param address host:port of the engine, as given on the plugin's command line */
  constructor(address: string) {
    this.#client = new engineService.EngineClient(address, grpc.credentials.createInsecure());
  }

  /** Shown while the resource is worked on, and forgotten after. */
  line(urn: string, message: string): void {
    this.#send(message, urn, true);
  }

  /** Shown among the diagnostics of the run. */
  notice(message: string): void {
    this.#send(message, "", false);
  }

  /** Resolves when every line so far has been taken; a line that the engine does not take is dropped. */
  flush(): Promise<void> {
    return this.#sent;
  }

  #send(message: string, urn: string, ephemeral: boolean): void {
    const request = new messages.LogRequest()
      .setSeverity(messages.LogSeverity.INFO)
      .setMessage(message)
      .setUrn(urn)
      .setEphemeral(ephemeral);
    const taken = new Promise<void>((resolve) => this.#client.log(request, () => resolve()));
    this.#sent = this.#sent.then(() => taken);
  }
}
