import { randomBytes } from "node:crypto";
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import plugin from "@pulumi/pulumi/proto/plugin_pb.js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct from "google-protobuf/google/protobuf/struct_pb.js";
import { copyToRemote } from "./copy-to-remote.ts";
import type { EngineLog } from "./engine-log.ts";
import { grpc } from "./grpc.ts";
import { changes, checkInputs } from "./inputs.ts";
import { localCommand } from "./local-command.ts";
import { remoteCommand } from "./remote-command.ts";
import type { Context, ResourceType } from "./resource.ts";
import { type Properties, plain, secret, unknown } from "./wire.ts";

/** The version whose contract this keeps. */
const version = "1.2.1";

const types: { readonly [token: string]: ResourceType } = {
  "command:remote:Command": remoteCommand,
  "command:local:Command": localCommand,
  "command:remote:CopyToRemote": copyToRemote,
};

const { PropertyDiff, DiffResponse } = messages;
const diffKinds = {
  add: [PropertyDiff.Kind.ADD, PropertyDiff.Kind.ADD_REPLACE],
  delete: [PropertyDiff.Kind.DELETE, PropertyDiff.Kind.DELETE_REPLACE],
  update: [PropertyDiff.Kind.UPDATE, PropertyDiff.Kind.UPDATE_REPLACE],
} as const;

/** The methods of the provider protocol that the engine uses for these resources; gRPC answers the others with UNIMPLEMENTED. */
export function service(engine: EngineLog): Partial<IResourceProviderServer> {
  const cancelled = new AbortController();

  /** Does a call's work with its time limit, and has its log lines out before it is answered. */
  async function work<T>(urn: string, timeoutSeconds: number, act: (context: Context) => Promise<T>): Promise<T> {
    const limits = timeoutSeconds > 0 ? [AbortSignal.timeout(timeoutSeconds * 1000)] : [];
    const signal = AbortSignal.any([cancelled.signal, ...limits]);
    try {
      return await act({ signal, log: (line) => engine.line(urn, line) });
    } finally {
      await engine.flush();
    }
  }

  return {
    getPluginInfo: unary(async () => new plugin.PluginInfo().setVersion(version)),

    configure: unary(async () => {
      engine.notice(`stand-in of the command plugin ${version}, for machines without the real one`);
      await engine.flush();
      return new messages.ConfigureResponse().setAcceptsecrets(true).setAcceptresources(true).setSupportspreview(true);
    }),

    cancel: unary(async () => {
      cancelled.abort("cancelled");
      return new empty.Empty();
    }),

    check: unary(async (request: InstanceType<typeof messages.CheckRequest>) => {
      const { inputs, failures } = checkInputs(typeOf(request.getUrn()), toProperties(request.getNews()));
      const response = new messages.CheckResponse().setInputs(toStruct(inputs));
      for (const { property, reason } of failures)
        response.addFailures(new messages.CheckFailure().setProperty(property).setReason(reason));
      return response;
    }),

    diff: unary(async (request: InstanceType<typeof messages.DiffRequest>) => {
      const changed = changes(
        typeOf(request.getUrn()),
        toProperties(request.getOldInputs()),
        toProperties(request.getNews()),
      ).filter(({ property }) => !request.getIgnorechangesList().includes(property));
      const { DIFF_SOME, DIFF_NONE } = DiffResponse.DiffChanges;
      const response = new DiffResponse().setChanges(changed.length ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
      for (const { property, kind, replaces } of changed) {
        response.addDiffs(property);
        if (replaces) response.addReplaces(property);
        const diff = new PropertyDiff().setKind(diffKinds[kind][replaces ? 1 : 0]).setInputdiff(true);
        response.getDetaileddiffMap().set(property, diff);
      }
      return response;
    }),

    create: unary(async (request: InstanceType<typeof messages.CreateRequest>) => {
      const type = typeOf(request.getUrn());
      const inputs = toProperties(request.getProperties());
      const respond = (outputs: Properties) =>
        new messages.CreateResponse()
          .setId(request.getName() + randomBytes(4).toString("hex"))
          .setProperties(toStruct(state(inputs, outputs)));
      if (request.getPreview()) return respond(notYetKnown(type));
      return work(request.getUrn(), request.getTimeout(), async (context) =>
        respond(await type.create(plain(inputs) as Properties, context)),
      );
    }),

    update: unary(async (request: InstanceType<typeof messages.UpdateRequest>) => {
      const type = typeOf(request.getUrn());
      const inputs = toProperties(request.getNews());
      const respond = (outputs: Properties) =>
        new messages.UpdateResponse().setProperties(toStruct(state(inputs, outputs)));
      if (request.getPreview()) return respond(notYetKnown(type));
      const olds = plain(toProperties(request.getOlds())) as Properties;
      return work(request.getUrn(), request.getTimeout(), async (context) =>
        respond(await type.update(plain(inputs) as Properties, olds, context)),
      );
    }),

    read: unary(async (request: InstanceType<typeof messages.ReadRequest>) =>
      new messages.ReadResponse()
        .setId(request.getId())
        .setProperties(request.getProperties())
        .setInputs(request.getInputs()),
    ),

    delete: unary(async (request: InstanceType<typeof messages.DeleteRequest>) => {
      const olds = plain(toProperties(request.getProperties())) as Properties;
      await work(request.getUrn(), request.getTimeout(), (context) => typeOf(request.getUrn()).remove(olds, context));
      return new empty.Empty();
    }),
  };
}

function unary<Request, Response>(act: (request: Request) => Promise<Response>) {
  return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
    act(call.request).then(
      (response) => callback(null, response),
      (error: Error) => callback({ code: grpc.status.UNKNOWN, message: error.message, details: error.message }),
    );
  };
}

/** A URN ends in `::<parent types>$<type>::<name>`. */
function typeOf(urn: string): ResourceType {
  const token = urn.split("::")[2]?.split("$").pop() ?? "";
  const type = types[token];
  if (!type)
    throw new Error(`the stand-in of the command plugin has no type ${token}; it has ${Object.keys(types).join(", ")}`);
  return type;
}

function state(inputs: Properties, outputs: Properties): Properties {
  return { ...inputs, connection: inputs.connection && secret(plain(inputs.connection)), ...outputs };
}

function notYetKnown(type: ResourceType): Properties {
  return Object.fromEntries(type.outputs.map((name) => [name, unknown]));
}

function toProperties(value: InstanceType<typeof struct.Struct> | undefined): Properties {
  return (value?.toJavaScript() ?? {}) as Properties;
}

function toStruct(properties: Properties) {
  const present = Object.entries(properties).filter(([, value]) => value !== undefined);
  return struct.Struct.fromJavaScript(
    Object.fromEntries(present) as Parameters<typeof struct.Struct.fromJavaScript>[0],
  );
}
