/** Sends requests: headers, deadlines, repetition of what is safe to repeat, and errors as typed exceptions. */

import type { MemoryClientConfig } from "./config.js";
import {
  MemoryClientError,
  MemoryConnectionError,
  MemoryRateLimitedError,
  MemoryTimeoutError,
  MemoryValidationError,
  errorOf,
} from "./errors.js";
import { VERSION } from "./version.js";

export type Query = Record<string, string | number | boolean | readonly string[] | null | undefined>;

/** One request. `repeatable`: carrying it out twice does no harm. */
export interface Call {
  query?: Query;
  body?: unknown;
  headers?: Record<string, string>;
  repeatable?: boolean;
  /** Unsuccessful statuses whose body is the answer all the same. */
  answers?: readonly number[];
  /** Ends the call early. */
  signal?: AbortSignal | undefined;
}

/** Options of every method. */
export interface CallOptions {
  /** Ends the call early; it then throws the signal's reason. */
  signal?: AbortSignal;
}

/** A value as one segment of a path. Throws MemoryValidationError for one that no path can carry. */
export function segment(value: string, name: string): string {
  if (value === "" || value === "." || value === ".." || value.includes("/")) {
    throw new MemoryValidationError(`${name} cannot be part of an address: ${JSON.stringify(value)}`);
  }
  try {
    return encodeURIComponent(value);
  } catch {
    throw new MemoryValidationError(`${name} holds a lone surrogate`);
  }
}

/** A key under which the server answers a repeated request with the first one's answer. */
export function newKey(): string {
  return globalThis.crypto.randomUUID();
}

/** Headers that make a write depend on the stored revision; none when it is to be written in any case. */
export function onlyRevision(revision: number | undefined): Record<string, string> {
  return revision === undefined ? {} : { "If-Match": `"${revision}"` };
}

function address(base: string, path: string, query: Query = {}): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === null || value === undefined) continue;
    if (Array.isArray(value)) for (const one of value as readonly string[]) given.append(name, one);
    else given.append(name, String(value));
  }
  const text = given.toString();
  return base + path + (text ? `?${text}` : "");
}

/** Seconds of the header Retry-After in milliseconds; undefined without one, or with a date. */
function askedToWait(response: Response): number | undefined {
  const value = response.headers.get("retry-after") ?? "";
  return /^\d+$/.test(value) ? Number(value) * 1000 : undefined;
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done(): void {
      signal?.removeEventListener("abort", stop);
      resolve();
    }
    function stop(): void {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

/** Requests to one server. Keeps nothing open by itself. */
export class Transport {
  readonly #base: string;
  readonly #headers: Record<string, string>;
  readonly #fetch: typeof globalThis.fetch;
  readonly #timeout: number;
  readonly #retries: number;
  readonly #delay: number;
  readonly #maxDelay: number;

  constructor(config: MemoryClientConfig) {
    if (!/^https?:\/\//.test(config.baseUrl)) {
      throw new MemoryValidationError(`baseUrl is no HTTP address: ${JSON.stringify(config.baseUrl)}`);
    }
    this.#base = config.baseUrl.replace(/\/+$/, "");
    const token = config.token ?? config.bearerToken;
    this.#headers = {
      "User-Agent": `agent-memory-client-js/${VERSION}`,
      "X-Client-Version": VERSION,
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
      ...(config.apiKey !== undefined && { "X-API-Key": config.apiKey }),
      ...config.headers,
    };
    this.#fetch = config.fetch ?? ((input, init) => globalThis.fetch(input, init));
    this.#timeout = config.timeout ?? 30_000;
    this.#retries = config.retries ?? 2;
    this.#delay = config.retryDelay ?? 200;
    this.#maxDelay = config.maxRetryDelay ?? 5_000;
  }

  /** The JSON of the successful answer, tried again after failures that may pass. Throws a MemoryClientError. */
  async send<T>(method: string, path: string, call: Call = {}): Promise<T> {
    const repeatable = call.repeatable ?? true;
    for (let attempt = 0; ; attempt += 1) {
      let failure: MemoryClientError;
      let again: boolean;
      let wait: number | undefined;
      try {
        const response = await this.#attempt(method, path, call);
        if (response.ok || call.answers?.includes(response.status)) return (await response.json()) as T;
        failure = await errorOf(response);
        again = failure.retryable && (repeatable || failure instanceof MemoryRateLimitedError);
        wait = askedToWait(response);
      } catch (error) {
        if (call.signal?.aborted) throw call.signal.reason;
        failure = connectionError(error, `${method} ${path}`);
        again = repeatable;
      }
      if (!again || attempt >= this.#retries) throw failure;
      await pause(this.#pauseFor(attempt, wait), call.signal);
    }
  }

  #attempt(method: string, path: string, call: Call): Promise<Response> {
    const deadline = AbortSignal.timeout(this.#timeout);
    const headers: Record<string, string> = { ...this.#headers, ...call.headers };
    const init: RequestInit = {
      method,
      headers,
      signal: call.signal ? AbortSignal.any([call.signal, deadline]) : deadline,
    };
    if (call.body !== undefined) {
      headers["Content-Type"] = "application/json";
      init.body = JSON.stringify(call.body);
    }
    return this.#fetch(address(this.#base, path, call.query), init);
  }

  #pauseFor(attempt: number, asked: number | undefined): number {
    // Spread by chance, so that clients that failed together do not come back together.
    const own = this.#delay * 2 ** attempt * (0.5 + Math.random() / 2);
    return Math.min(asked ?? own, this.#maxDelay);
  }
}

function connectionError(error: unknown, what: string): MemoryConnectionError {
  const late = error instanceof DOMException && error.name === "TimeoutError";
  const reason = error instanceof Error ? error.message : String(error);
  const kind = late ? MemoryTimeoutError : MemoryConnectionError;
  return new kind(`${reason} (${what})`, { cause: error });
}
