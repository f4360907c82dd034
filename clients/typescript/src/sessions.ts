/** Calls on working memory. */

import type { ModelOptions, Place } from "./calls.js";
import { MemoryConflictError, MemoryNotFoundError } from "./errors.js";
import type {
  AckResponse,
  AppendMessagesResponse,
  ClientMemoryRecord,
  MemoryMessage,
  SessionListResponse,
  StrategyInput,
  WorkingMemoryResponse,
} from "./generated/api.js";
import type { CallOptions } from "./transport.js";
import { newKey, onlyRevision, segment } from "./transport.js";
import { ViewCalls } from "./views.js";

/** A message to store. Without an id it gets one; without `created_at` the server's time. */
export type MessageToStore = Pick<MemoryMessage, "role" | "content"> & Partial<MemoryMessage>;

/** A structured memory of a session. */
export type SessionMemory = Pick<ClientMemoryRecord, "text"> & Partial<ClientMemoryRecord>;

/** How memories are extracted from a session: `{ strategy: "preferences" }`. */
export type Strategy = Partial<StrategyInput>;

/** A whole session to store; what it leaves out is reset. */
export interface WorkingMemory {
  messages?: MessageToStore[];
  memories?: SessionMemory[];
  data?: Record<string, unknown> | null;
  context?: string | null;
  user_id?: string | null;
  namespace?: string | null;
  ttl_seconds?: number | null;
  long_term_memory_strategy?: Strategy;
}

export interface ReadOptions extends Place, ModelOptions, CallOptions {
  /** Only that many messages, the latest by `created_at`. */
  recentMessagesLimit?: number;
}

export interface PutOptions extends ModelOptions, CallOptions {
  userId?: string;
  /** Replace only this revision: nothing that others wrote meanwhile is lost (MemoryConflictError). */
  ifRevision?: number;
}

export type MergeStrategy = "replace" | "merge" | "deep_merge";

const ATTEMPTS = 8;

function address(sessionId: string): string {
  return `/v1/working-memory/${segment(sessionId, "sessionId")}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function deepMerged(before: Record<string, unknown>, updates: Record<string, unknown>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(updates)) {
    const old = merged[name];
    merged[name] = isObject(old) && isObject(value) ? deepMerged(old, value) : value;
  }
  return merged;
}

/** Working memory: the messages, structured memories, data and running summary of sessions. */
export class SessionCalls extends ViewCalls {
  /** A page of session ids, and how many there are in all. limit: 1 … 100. */
  listSessions(
    options: Place & CallOptions & { limit?: number; offset?: number } = {},
  ): Promise<SessionListResponse> {
    return this.transport.send("GET", "/v1/working-memory/", {
      query: {
        limit: options.limit ?? 20,
        offset: options.offset ?? 0,
        namespace: this.namespace(options.namespace),
        user_id: options.userId,
      },
      signal: options.signal,
    });
  }

  /** The session, or null when there is none. With a model, only the latest messages that fit into its window. */
  async getWorkingMemory(sessionId: string, options: ReadOptions = {}): Promise<WorkingMemoryResponse | null> {
    try {
      return await this.transport.send<WorkingMemoryResponse>("GET", address(sessionId), {
        query: {
          ...this.model(options),
          user_id: options.userId,
          namespace: this.namespace(options.namespace),
          recent_messages_limit: options.recentMessagesLimit,
        },
        signal: options.signal,
      });
    } catch (error) {
      if (error instanceof MemoryNotFoundError) return null;
      throw error;
    }
  }

  /** The session, made empty when there is none; one that another caller makes meanwhile is never replaced. */
  async getOrCreateWorkingMemory(
    sessionId: string,
    options: ReadOptions & { longTermMemoryStrategy?: Strategy } = {},
  ): Promise<{ created: boolean; memory: WorkingMemoryResponse }> {
    const there = await this.getWorkingMemory(sessionId, options);
    if (there) return { created: false, memory: there };
    const empty: WorkingMemory = {
      messages: [],
      memories: [],
      data: {},
      namespace: this.namespace(options.namespace),
      user_id: options.userId,
      ...(options.longTermMemoryStrategy && { long_term_memory_strategy: options.longTermMemoryStrategy }),
    };
    try {
      return { created: true, memory: await this.#put(sessionId, empty, options, { "If-None-Match": "*" }) };
    } catch (error) {
      if (!(error instanceof MemoryConflictError)) throw error;
    }
    const made = await this.getWorkingMemory(sessionId, options);
    if (made) return { created: false, memory: made };
    throw new MemoryNotFoundError(`session ${sessionId} was made and deleted meanwhile`, { statusCode: 404 });
  }

  /** Replace the whole session. To add messages, append them: that loses nothing and costs the same at any length. */
  putWorkingMemory(
    sessionId: string,
    memory: WorkingMemory,
    options: PutOptions = {},
  ): Promise<WorkingMemoryResponse> {
    const placed = {
      ...memory,
      namespace: memory.namespace ?? this.config.defaultNamespace,
      user_id: memory.user_id ?? options.userId,
    };
    return this.#put(sessionId, placed, options, onlyRevision(options.ifRevision));
  }

  #put(
    sessionId: string,
    memory: WorkingMemory,
    options: ModelOptions & CallOptions,
    condition: Record<string, string>,
  ): Promise<WorkingMemoryResponse> {
    return this.transport.send("PUT", address(sessionId), {
      query: this.model(options),
      body: memory,
      headers: { ...condition, "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** Delete the session and its messages; also `ok` when there is none. Long-term memories stay. */
  deleteWorkingMemory(sessionId: string, options: Place & CallOptions = {}): Promise<AckResponse> {
    return this.transport.send("DELETE", address(sessionId), {
      query: { namespace: this.namespace(options.namespace), user_id: options.userId },
      signal: options.signal,
    });
  }

  /**
   * Add messages behind the last one of a session, which is made when it is not there. Its length costs nothing.
   * A message that the session holds already, or has folded into its summary (same id and content), is left as it is.
   * A model or a window (tokens) is the one into which the server folds the session when it has outgrown it.
   */
  appendMessages(
    sessionId: string,
    messages: readonly MessageToStore[],
    options: Place & ModelOptions & CallOptions & { ttlSeconds?: number; longTermMemoryStrategy?: Strategy } = {},
  ): Promise<AppendMessagesResponse> {
    return this.transport.send("POST", `${address(sessionId)}/messages`, {
      body: {
        messages,
        namespace: this.namespace(options.namespace),
        user_id: options.userId,
        ttl_seconds: options.ttlSeconds,
        long_term_memory_strategy: options.longTermMemoryStrategy,
      },
      query: this.model(options),
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** Add messages and read the session; `appendMessages` does without the reading. */
  async appendMessagesToWorkingMemory(
    sessionId: string,
    messages: readonly MessageToStore[],
    options: ReadOptions = {},
  ): Promise<WorkingMemoryResponse> {
    await this.appendMessages(sessionId, messages, options);
    const session = await this.getWorkingMemory(sessionId, options);
    if (session) return session;
    throw new MemoryNotFoundError(`session ${sessionId} was deleted meanwhile`, { statusCode: 404 });
  }

  /** The id of every session, page by page; each one that exists throughout comes once. limit: ids in a page. */
  async *iterateSessions(
    options: Place & CallOptions & { limit?: number } = {},
  ): AsyncGenerator<string, void, undefined> {
    const seen = new Set<string>();
    const limit = options.limit ?? 100;
    for (let offset = 0, total = 1; offset < total; offset += limit) {
      const page = await this.listSessions({ ...options, limit, offset });
      for (const id of page.sessions) {
        if (!seen.has(id)) yield id;
        seen.add(id);
      }
      total = page.total;
    }
  }

  /** Change a session's data without losing what others write: read, change, write that revision, else again. */
  updateWorkingMemoryData(
    sessionId: string,
    updates: Record<string, unknown>,
    options: Place & CallOptions & { mergeStrategy?: MergeStrategy } = {},
  ): Promise<WorkingMemoryResponse> {
    const how = options.mergeStrategy ?? "merge";
    return this.#change(sessionId, options, (session) => {
      const before = session.data ?? {};
      if (how === "replace") return { data: updates };
      return { data: how === "merge" ? { ...before, ...updates } : deepMerged(before, updates) };
    });
  }

  /** Replace a session's data. */
  setWorkingMemoryData(
    sessionId: string,
    data: Record<string, unknown>,
    options: Place & CallOptions = {},
  ): Promise<WorkingMemoryResponse> {
    return this.updateWorkingMemoryData(sessionId, data, { ...options, mergeStrategy: "replace" });
  }

  /** Add structured memories to a session; they become long-term memories. `replace` drops those that were there. */
  addMemoriesToWorkingMemory(
    sessionId: string,
    memories: readonly SessionMemory[],
    options: Place & CallOptions & { replace?: boolean } = {},
  ): Promise<WorkingMemoryResponse> {
    const added = memories.map((memory) => ({ id: newKey(), ...memory }));
    return this.#change(sessionId, options, (session) => ({
      memories: [...(options.replace ? [] : (session.memories ?? [])), ...added] as SessionMemory[],
    }));
  }

  async #change(
    sessionId: string,
    options: Place & CallOptions,
    changes: (session: WorkingMemoryResponse) => Partial<WorkingMemory>,
  ): Promise<WorkingMemoryResponse> {
    for (let attempt = 1; ; attempt += 1) {
      const { memory: session } = await this.getOrCreateWorkingMemory(sessionId, options);
      const changed: WorkingMemory = {
        messages: session.messages as MessageToStore[],
        memories: session.memories as SessionMemory[],
        data: session.data,
        context: session.context,
        user_id: session.user_id,
        namespace: session.namespace,
        ttl_seconds: session.ttl_seconds,
        long_term_memory_strategy: session.long_term_memory_strategy as Strategy,
        ...changes(session),
      };
      try {
        return await this.putWorkingMemory(sessionId, changed, {
          ifRevision: session.revision ?? undefined,
          signal: options.signal,
        });
      } catch (error) {
        if (!(error instanceof MemoryConflictError) || attempt === ATTEMPTS) throw error;
      }
    }
  }
}
