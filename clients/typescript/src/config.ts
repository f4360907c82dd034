/** How a client reaches its server. */
export interface MemoryClientConfig {
  /** Address of the server, such as `http://localhost:8000`. */
  baseUrl: string;
  /** Milliseconds until one attempt is given up. Default 30,000. */
  timeout?: number;
  /** Bearer token, as `agent-memory token add` prints it. `bearerToken` is the same under its older name. */
  token?: string;
  bearerToken?: string;
  /** Sent as `X-API-Key`, for a gateway in front of the server. */
  apiKey?: string;
  /** Further headers of every request. */
  headers?: Record<string, string>;
  /** Namespace of calls that name none. */
  defaultNamespace?: string;
  /** Model, or context window in tokens, for which sessions are read when a call names none. */
  defaultModelName?: string;
  defaultContextWindowMax?: number;
  /** Further attempts after a failure that may pass. Default 2; 0 never repeats. */
  retries?: number;
  /** Milliseconds before the first repetition; doubles each time, up to `maxRetryDelay`. Defaults 200 and 5,000. */
  retryDelay?: number;
  maxRetryDelay?: number;
  /** The `fetch` to use instead of the global one. */
  fetch?: typeof globalThis.fetch;
}
