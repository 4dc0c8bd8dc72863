import { request } from "node:https";
import { text } from "node:stream/consumers";

/** Who asks an API server, and whom it trusts, as PEM texts. */
export interface ApiCredential {
  readonly trust: string;
  readonly certificate: string;
  readonly key: string;
}

export interface ApiQuestion {
  readonly method: "GET" | "PUT";
  /** With its query. */
  readonly path: string;
  readonly body?: object;
}

const ANSWER_LIMIT_MS = 5_000;

/**
 * Asks an API server within 5 s.
 * @param server as `address:port`
 * @throws the connection's own error, with its code
 */
export function askApi(
  server: string,
  { trust, certificate, key }: ApiCredential,
  { method, path, body }: ApiQuestion,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(`https://${server}${path}`, {
      method,
      ca: trust,
      cert: certificate,
      key,
      // A connection of another question would say nothing about this one.
      agent: false,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    asked.on("error", reject);
    asked.on("response", (response) => {
      text(response).then((answer) => resolve({ status: response.statusCode ?? 0, body: answer }), reject);
    });
    asked.end(body && Buffer.from(JSON.stringify(body)));
  });
}
