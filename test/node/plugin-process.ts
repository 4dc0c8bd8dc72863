import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { ServiceError } from "@grpc/grpc-js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import service from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { grpc } from "../lab/command-plugin/grpc.ts";

type Properties = { [name: string]: unknown };
type LogRequest = InstanceType<typeof engineMessages.LogRequest>;

/** A provider plugin started as the engine starts it, spoken to as the engine speaks. */
export class PluginProcess {
  /** What the plugin told the engine's log. */
  readonly messages: { readonly text: string; readonly urn: string }[] = [];
  readonly #process: ChildProcess;
  readonly #client: InstanceType<typeof service.ResourceProviderClient>;
  readonly #engine: InstanceType<typeof grpc.Server>;

  private constructor(process: ChildProcess, port: string, engine: InstanceType<typeof grpc.Server>) {
    this.#process = process;
    this.#engine = engine;
    this.#client = new service.ResourceProviderClient(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  }

  static async start(launcher: string): Promise<PluginProcess> {
    const engine = new grpc.Server();
    let plugin: PluginProcess | undefined;
    engine.addService(engineService.EngineService, {
      log: (call: { request: LogRequest }, callback: (error: null, response: unknown) => void) => {
        plugin?.messages.push({ text: call.request.getMessage(), urn: call.request.getUrn() });
        callback(null, new empty.Empty());
      },
    });
    const port = await new Promise<number>((resolve, reject) =>
      engine.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    );
    // A folder and a PATH that say nothing about the checkout, as with an engine.
    const process = spawn(launcher, [`127.0.0.1:${port}`], {
      cwd: "/",
      env: { PATH: "/usr/bin:/bin" },
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = await once(createInterface({ input: process.stdout as NodeJS.ReadableStream }), "line");
    plugin = new PluginProcess(process, line, engine);
    return plugin;
  }

  configure() {
    return call<InstanceType<typeof messages.ConfigureResponse>>((done) =>
      this.#client.configure(new messages.ConfigureRequest().setAcceptsecrets(true), done),
    );
  }

  async check(urn: string, news: Properties) {
    const request = new messages.CheckRequest().setUrn(urn).setOlds(toStruct({})).setNews(toStruct(news));
    const response = await call<InstanceType<typeof messages.CheckResponse>>((done) =>
      this.#client.check(request, done),
    );
    return {
      inputs: response.getInputs()?.toJavaScript() as Properties,
      failures: response.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`),
    };
  }

  async diff(urn: string, olds: Properties, news: Properties) {
    const request = new messages.DiffRequest().setUrn(urn).setOldInputs(toStruct(olds)).setNews(toStruct(news));
    const response = await call<InstanceType<typeof messages.DiffResponse>>((done) => this.#client.diff(request, done));
    return { diffs: response.getDiffsList(), replaces: response.getReplacesList(), changes: response.getChanges() };
  }

  async create(urn: string, inputs: Properties, options: { preview?: boolean; timeoutSeconds?: number } = {}) {
    const request = new messages.CreateRequest()
      .setUrn(urn)
      .setName(urn.split("::").pop() as string)
      .setProperties(toStruct(inputs))
      .setPreview(options.preview ?? false)
      .setTimeout(options.timeoutSeconds ?? 0);
    const response = await call<InstanceType<typeof messages.CreateResponse>>((done) =>
      this.#client.create(request, done),
    );
    return { id: response.getId(), state: response.getProperties()?.toJavaScript() as Properties };
  }

  async update(urn: string, olds: Properties, news: Properties): Promise<Properties> {
    const request = new messages.UpdateRequest().setUrn(urn).setOlds(toStruct(olds)).setNews(toStruct(news));
    const response = await call<InstanceType<typeof messages.UpdateResponse>>((done) =>
      this.#client.update(request, done),
    );
    return response.getProperties()?.toJavaScript() as Properties;
  }

  async delete(urn: string, state: Properties): Promise<void> {
    const request = new messages.DeleteRequest().setUrn(urn).setProperties(toStruct(state));
    await call((done) => this.#client.delete(request, done));
  }

  async cancel(): Promise<void> {
    await call((done) => this.#client.cancel(new empty.Empty(), done));
  }

  async stop(): Promise<void> {
    this.#client.close();
    this.#engine.forceShutdown();
    // A plugin ends when its engine does.
    this.#process.stdin?.end();
    if (this.#process.exitCode === null) await once(this.#process, "exit");
  }
}

function toStruct(properties: Properties) {
  return struct.Struct.fromJavaScript(properties as Parameters<typeof struct.Struct.fromJavaScript>[0]);
}

function call<Response>(send: (done: (error: ServiceError | null, response: Response) => void) => void) {
  return new Promise<Response>((resolve, reject) =>
    send((error, response) => (error ? reject(new Error(error.details)) : resolve(response))),
  );
}
