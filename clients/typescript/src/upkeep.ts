/** Calls on background work: trying extraction, and jobs that were given up. */

import type { Place } from "./calls.js";
import type {
  DeadJob,
  DeadJobsResponse,
  ExtractMemoriesResponse,
  JobCountResponse,
  JobFiguresResponse,
} from "./generated/api.js";
import { MemoryCalls } from "./memories.js";
import type { CallOptions } from "./transport.js";
import { newKey } from "./transport.js";

/** What the server does behind the requests. The calls on jobs need a token of an administrator. */
export class UpkeepCalls extends MemoryCalls {
  /** What would be remembered of a session's latest messages, and what is left out and why. Stores nothing. */
  tryExtraction(sessionId: string, options: Place & CallOptions = {}): Promise<ExtractMemoriesResponse> {
    return this.transport.send("POST", "/v1/long-term-memory/extract", {
      body: { session_id: sessionId, namespace: this.namespace(options.namespace), user_id: options.userId },
      signal: options.signal,
    });
  }

  /** How many jobs wait, run, and were given up. */
  getJobFigures(options: CallOptions = {}): Promise<JobFiguresResponse> {
    return this.transport.send("GET", "/v1/jobs", options);
  }

  /** The jobs that were given up after their last attempt, newest first. limit: 1 … 1000. */
  async listDeadJobs(options: CallOptions & { limit?: number } = {}): Promise<DeadJob[]> {
    const found = await this.transport.send<DeadJobsResponse>("GET", "/v1/jobs/dead", {
      query: { limit: options.limit ?? 100 },
      signal: options.signal,
    });
    return found.jobs;
  }

  /** Queue jobs again that were given up, with fresh attempts; how many of the ids (1 … 1000) there were. */
  retryDeadJobs(ids: readonly string[], options: CallOptions = {}): Promise<number> {
    return this.#change("retry", ids, options);
  }

  /** Forget jobs that were given up; how many of the ids (1 … 1000) there were. Owed work is queued again. */
  discardDeadJobs(ids: readonly string[], options: CallOptions = {}): Promise<number> {
    return this.#change("discard", ids, options);
  }

  async #change(verb: string, ids: readonly string[], options: CallOptions): Promise<number> {
    const answer = await this.transport.send<JobCountResponse>("POST", `/v1/jobs/dead/${verb}`, {
      body: { ids },
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
    return answer.count;
  }
}
