import { once } from "node:events";
import { connect, createServer, type TLSSocket } from "node:tls";

export interface TlsParty {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  /** What it verifies the other with. */
  readonly trustPem: string;
}

/**
 * Lets two parties shake hands with mutual TLS on loopback, the client asking for `serverName`.
 *
 * @returns `ok`, or the reason of the side that refused
 */
export async function handshake(server: TlsParty, client: TlsParty, serverName: string): Promise<string> {
  const listener = createServer({
    cert: server.certificatePem,
    key: server.privateKeyPem,
    ca: server.trustPem,
    requestCert: true,
    rejectUnauthorized: true,
  }).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const onServer = new Promise<string>((resolve) => {
    listener.once("secureConnection", (socket: TLSSocket) => {
      socket.on("error", () => {}).end();
      resolve("ok");
    });
    listener.once("tlsClientError", (error) => resolve(`server: ${error.message}`));
  });
  const socket = connect({
    host: "127.0.0.1",
    port: (listener.address() as { port: number }).port,
    servername: serverName,
    cert: client.certificatePem,
    key: client.privateKeyPem,
    ca: client.trustPem,
  });
  const onClient = new Promise<string>((resolve) => {
    socket.once("secureConnect", () => resolve("ok"));
    socket.on("error", (error) => resolve(`client: ${error.message}`));
  });
  const clientSays = await onClient;
  const result = clientSays === "ok" ? await onServer : clientSays;
  socket.destroy();
  listener.close();
  return result;
}
