/** Calls on background work: trying extraction, what was decided, and jobs that were given up. */

import type { Place } from "./calls.js";
import type {
  DeadJob,
  DeadJobsResponse,
  DecisionListResponse,
  ExtractMemoriesResponse,
  JobCountResponse,
  JobFiguresResponse,
} from "./generated/api.js";
import { MemoryCalls } from "./memories.js";
import type { CallOptions } from "./transport.js";
import { newKey } from "./transport.js";

/** Which decisions are listed. */
export interface DecisionOptions {
  memoryId?: string;
  sessionId?: string;
  kind?: "merge" | "supersede" | "label" | "extraction";
  outcome?: "done" | "refused";
  reason?: string;
  counts?: boolean;
  limit?: number;
  cursor?: string;
}

/** What the server does behind the requests. The calls on jobs need a token of an administrator. */
export class UpkeepCalls extends MemoryCalls {
  /** What would be remembered of a session's latest messages, and what is left out and why. Stores nothing. */
  tryExtraction(sessionId: string, options: Place & CallOptions = {}): Promise<ExtractMemoriesResponse> {
    return this.transport.send("POST", "/v1/long-term-memory/extract", {
      body: { session_id: sessionId, namespace: this.namespace(options.namespace), user_id: options.userId },
      signal: options.signal,
    });
  }

  /**
   * What was merged, superseded, labelled or read out of conversations, and what was refused and why; newest first: ids
   * and reasons, no texts. memoryId: one that the decision is about, or that stays. counts: also how many there are.
   * limit: 1 … 1000. cursor: `next_cursor` of the page before.
   */
  listDecisions(options: DecisionOptions & Place & CallOptions = {}): Promise<DecisionListResponse> {
    return this.transport.send("GET", "/v1/decisions", {
      query: {
        memory_id: options.memoryId,
        session_id: options.sessionId,
        kind: options.kind,
        outcome: options.outcome,
        reason: options.reason,
        namespace: this.namespace(options.namespace),
        user_id: options.userId,
        counts: options.counts,
        limit: options.limit,
        cursor: options.cursor,
      },
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
