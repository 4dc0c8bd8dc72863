import { Agent, request } from "node:https";
import { parse } from "yaml";

/** What a kubeconfig says of one cluster and one user. */
export interface Access {
  /** `https://address:port` */
  server: string;
  /** PEM texts. */
  ca: string;
  cert: string;
  key: string;
}

export function readKubeconfig(text: string): Access {
  const { clusters, users } = parse(text);
  const pem = (base64: string) => Buffer.from(base64, "base64").toString();
  const [{ cluster }] = clusters;
  const [{ user }] = users;
  return {
    server: cluster.server,
    ca: pem(cluster["certificate-authority-data"]),
    cert: pem(user["client-certificate-data"]),
    key: pem(user["client-key-data"]),
  };
}

/** One connection to the API, made anew after whatever went wrong: the next one goes to whoever has the address then. */
export class ApiClient {
  private readonly access: Access;
  private agent: Agent;

  constructor(access: Access) {
    this.access = access;
    this.agent = this.newAgent();
  }

  /** @throws if there is no whole answer in time, or none of the 200s; what was asked may have been done nevertheless */
  call(method: string, path: string, body: object | undefined, timeoutMs: number): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const asked = request(this.access.server + path, {
        method,
        agent: this.agent,
        headers: { accept: "application/json", "content-type": "application/json" },
      });
      const fail = (error: Error) => {
        clearTimeout(timer);
        this.agent.destroy();
        this.agent = this.newAgent();
        asked.destroy();
        reject(error);
      };
      const timer = setTimeout(() => fail(new Error(`no answer in ${timeoutMs} ms`)), timeoutMs);
      asked.once("error", fail);
      asked.once("response", (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.once("error", fail);
        answer.once("end", () => {
          clearTimeout(timer);
          const status = answer.statusCode ?? 0;
          if (status >= 200 && status < 300) resolve(JSON.parse(text));
          else reject(new ApiError(status, text));
        });
      });
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /**
   * Reads a watch line by line until it ends or falls silent.
   * @param silenceMs without a line for so long the connection counts as dead
   */
  watch(path: string, silenceMs: number, onLine: (event: WatchEvent) => void, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const asked = request(this.access.server + path, { agent: this.agent, signal });
      const end = () => {
        clearTimeout(timer);
        this.agent.destroy();
        this.agent = this.newAgent();
        asked.destroy();
        resolve();
      };
      let timer = setTimeout(end, silenceMs);
      asked.once("error", end);
      asked.once("response", (answer) => {
        // Asked again as after a broken connection: an API server that starts or ends says no.
        if (answer.statusCode !== 200) return end();
        let rest = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          clearTimeout(timer);
          timer = setTimeout(end, silenceMs);
          const lines = (rest + chunk).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) onLine(JSON.parse(line));
        });
        answer.once("close", end);
      });
      asked.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }

  private newAgent(): Agent {
    const { ca, cert, key } = this.access;
    return new Agent({ ca, cert, key, keepAlive: true, maxSockets: 1 });
  }
}

export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`status ${status}: ${text.slice(0, 300)}`);
    this.status = status;
  }
}

export interface WatchEvent {
  type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  object: {
    metadata: { name: string; resourceVersion: string };
    /** Of a configmap. */
    data?: Record<string, string>;
    /** Of a lease; times in RFC 3339. */
    spec?: { holderIdentity?: string; renewTime?: string; acquireTime?: string };
    /** Of an error. */
    code?: number;
    message?: string;
  };
}
