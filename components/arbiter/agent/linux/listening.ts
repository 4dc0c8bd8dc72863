import type { Server } from "node:net";

const LISTEN_AGAIN_MS = 1000;

/**
 * An address that is not there yet is tried again every second.
 * @param failed also told of an error after which the server still listens, as one of a single connection
 * @returns what closes the server
 */
export function keepListening(
  server: Server,
  address: { host: string; port: number },
  failed: (error: Error) => void,
): () => void {
  let retry: NodeJS.Timeout | undefined;
  const listen = () => server.listen(address);
  server.on("error", (error) => {
    failed(error);
    if (!server.listening) retry = setTimeout(listen, LISTEN_AGAIN_MS);
  });
  listen();
  return () => {
    clearTimeout(retry);
    server.close();
  };
}
