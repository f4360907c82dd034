/** Calls on long-term memory, and the prompt that is made of both tiers. */

import type { ModelOptions, Place } from "./calls.js";
import { MemoryNotFoundError } from "./errors.js";
import type {
  CreatedAt,
  Entities,
  EventDate,
  ExtractionStrategy,
  LastAccessed,
  MemoryType,
  Namespace,
  SessionId,
  Topics,
  UserId,
} from "./filters.js";
import type {
  AckResponse,
  ClientMemoryRecord,
  EditMemoryRecordRequest,
  ForgetPolicy,
  ForgetResponse,
  MemoryHistoryResponse,
  MemoryListResponse,
  MemoryPromptResponse,
  MemoryRecord,
  MemoryRecordResult,
  MemoryRecordResultsResponse,
  MemoryTypeEnum,
  SearchModeEnum,
  SearchRequest,
} from "./generated/api.js";
import { SessionCalls } from "./sessions.js";
import type { CallOptions } from "./transport.js";
import { newKey, onlyRevision, segment } from "./transport.js";

/** A memory to store; without an id it gets one. */
export type MemoryToStore = Pick<ClientMemoryRecord, "text"> & Partial<Omit<ClientMemoryRecord, "text">>;

/** A condition on a member: a filter object, a string (equals) or a list of strings (any of them). */
export type Condition<Filter> = Filter | string | readonly string[];

/** Weights and half-lives of ranking by recency. */
export interface RecencyOptions {
  recencyBoost?: boolean;
  semanticWeight?: number;
  recencyWeight?: number;
  freshnessWeight?: number;
  noveltyWeight?: number;
  halfLifeLastAccessDays?: number;
  halfLifeCreatedDays?: number;
  serverSideRecency?: boolean;
}

export interface Filters {
  sessionId?: Condition<SessionId>;
  namespace?: Condition<Namespace>;
  userId?: Condition<UserId>;
  topics?: Condition<Topics>;
  entities?: Condition<Entities>;
  memoryType?: Condition<MemoryType>;
  extractionStrategy?: Condition<ExtractionStrategy>;
  createdAt?: CreatedAt;
  lastAccessed?: LastAccessed;
  eventDate?: EventDate;
}

export interface SearchOptions extends Filters, CallOptions {
  /** Left out or empty: list what passes the filters. */
  text?: string | null;
  searchMode?: SearchModeEnum;
  hybridAlpha?: number;
  textScorer?: SearchRequest["text_scorer"];
  /** Cosine distance, 0 … 2; by meaning only. */
  distanceThreshold?: number;
  recency?: RecencyOptions;
  limit?: number;
  offset?: number;
  /** Let the server reword the query first. */
  optimizeQuery?: boolean;
  /** 0 … 1: leave out results that are less likely to answer. */
  minRelevance?: number;
  /** From when on words like "yesterday" in the text count; ISO 8601. */
  now?: string;
  explain?: boolean;
  /** Also what is no longer so. */
  includeSuperseded?: boolean;
  /** Only what was so at this time, as it was then; ISO 8601. */
  asOf?: string;
  /** Further members of the request, as the API names them. */
  extra?: Record<string, unknown>;
}

const RECORDS = "/v1/long-term-memory";
const MEMBERS: Readonly<Record<keyof Filters, string>> = {
  sessionId: "session_id",
  namespace: "namespace",
  userId: "user_id",
  topics: "topics",
  entities: "entities",
  memoryType: "memory_type",
  extractionStrategy: "extraction_strategy",
  createdAt: "created_at",
  lastAccessed: "last_accessed",
  eventDate: "event_date",
};

function plain(condition: unknown, name: keyof Filters): unknown {
  if (typeof condition === "string") return name === "topics" || name === "entities" ? { any: [condition] } : { eq: condition };
  return Array.isArray(condition) ? { any: condition } : condition;
}

function recencyMembers(recency: RecencyOptions): Record<string, unknown> {
  return {
    recency_boost: recency.recencyBoost,
    recency_semantic_weight: recency.semanticWeight,
    recency_recency_weight: recency.recencyWeight,
    recency_freshness_weight: recency.freshnessWeight,
    recency_novelty_weight: recency.noveltyWeight,
    recency_half_life_last_access_days: recency.halfLifeLastAccessDays,
    recency_half_life_created_days: recency.halfLifeCreatedDays,
    server_side_recency: recency.serverSideRecency,
  };
}

/** Durable records, found by meaning, by words and by what they are about. */
export class MemoryCalls extends SessionCalls {
  /** Store memories; a record's id, text and place decide what is new. `items` tells what became of each. */
  createLongTermMemories(
    memories: readonly MemoryToStore[],
    options: CallOptions & { deduplicate?: boolean } = {},
  ): Promise<AckResponse> {
    const records = memories.map((memory) => ({
      ...memory,
      id: memory.id ?? newKey(),
      namespace: memory.namespace ?? this.config.defaultNamespace,
    }));
    return this.transport.send("POST", `${RECORDS}/`, {
      body: { memories: records, deduplicate: options.deduplicate ?? true },
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** The same under the name of older clients. */
  createLongTermMemory(
    memories: readonly MemoryToStore[],
    options: CallOptions & { deduplicate?: boolean } = {},
  ): Promise<AckResponse> {
    return this.createLongTermMemories(memories, options);
  }

  /** Store many memories in requests of `batchSize` (1 … 1000), one after another; an answer for each request. */
  async bulkCreateLongTermMemories(
    memories: readonly MemoryToStore[],
    options: CallOptions & { batchSize?: number; deduplicate?: boolean } = {},
  ): Promise<AckResponse[]> {
    const size = options.batchSize ?? 100;
    const answers: AckResponse[] = [];
    for (let start = 0; start < memories.length; start += size) {
      answers.push(await this.createLongTermMemories(memories.slice(start, start + size), options));
    }
    return answers;
  }

  /** The record with this id, or null. */
  async getLongTermMemory(memoryId: string, options: CallOptions = {}): Promise<MemoryRecord | null> {
    try {
      return await this.transport.send<MemoryRecord>("GET", `${RECORDS}/${segment(memoryId, "memoryId")}`, options);
    } catch (error) {
      if (error instanceof MemoryNotFoundError) return null;
      throw error;
    }
  }

  /** A record with its earlier versions and what it superseded, newest first. Throws MemoryNotFoundError. */
  getLongTermMemoryHistory(memoryId: string, options: CallOptions = {}): Promise<MemoryHistoryResponse> {
    return this.transport.send("GET", `${RECORDS}/${segment(memoryId, "memoryId")}/history`, options);
  }

  /** Change the given members of a record and return it. ifRevision: only that revision (MemoryConflictError). */
  editLongTermMemory(
    memoryId: string,
    updates: Partial<EditMemoryRecordRequest>,
    options: CallOptions & { ifRevision?: number } = {},
  ): Promise<MemoryRecord> {
    return this.transport.send("PATCH", `${RECORDS}/${segment(memoryId, "memoryId")}`, {
      body: updates,
      headers: { ...onlyRevision(options.ifRevision), "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** Delete records, at most 1000 in a call. Unknown ids are no errors; the status tells how many there were. */
  deleteLongTermMemories(memoryIds: readonly string[], options: CallOptions = {}): Promise<AckResponse> {
    return this.transport.send("DELETE", RECORDS, { query: { memory_ids: memoryIds }, signal: options.signal });
  }

  /** A page of records, newest first. limit: 1 … 100; cursor: `next_cursor` of the page before. */
  listLongTermMemories(
    options: Place &
      CallOptions & { sessionId?: string; memoryType?: MemoryTypeEnum; limit?: number; cursor?: string } = {},
  ): Promise<MemoryListResponse> {
    return this.transport.send("GET", RECORDS, {
      query: {
        namespace: this.namespace(options.namespace),
        user_id: options.userId,
        session_id: options.sessionId,
        memory_type: options.memoryType,
        limit: options.limit ?? 100,
        cursor: options.cursor,
      },
      signal: options.signal,
    });
  }

  /** Every record, newest first, page by page; each one that exists throughout comes once. */
  async *iterateLongTermMemories(
    options: Place & CallOptions & { sessionId?: string; memoryType?: MemoryTypeEnum; limit?: number } = {},
  ): AsyncGenerator<MemoryRecord, void, undefined> {
    let cursor: string | undefined;
    do {
      const page: MemoryListResponse = await this.listLongTermMemories({ ...options, ...(cursor && { cursor }) });
      yield* page.memories;
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
  }

  /** Search by meaning, by words or by both. `degraded` in the answer tells what did not run. */
  searchLongTermMemory(options: SearchOptions): Promise<MemoryRecordResultsResponse> {
    return this.transport.send("POST", `${RECORDS}/search`, {
      query: { optimize_query: options.optimizeQuery ?? false },
      body: this.searchMembers(options),
      signal: options.signal,
    });
  }

  /** Every result of a search, page by page. */
  async *searchAllLongTermMemories(
    options: Omit<SearchOptions, "limit" | "offset"> & { batchSize?: number },
  ): AsyncGenerator<MemoryRecordResult, void, undefined> {
    let offset: number | null | undefined = 0;
    while (offset !== null && offset !== undefined) {
      const page: MemoryRecordResultsResponse = await this.searchLongTermMemory({
        ...options,
        limit: options.batchSize ?? 50,
        offset,
      });
      yield* page.memories;
      offset = page.next_offset;
    }
  }

  /** Delete what a policy lets go; `dryRun` only tells what that would be. The default deletes. */
  forgetLongTermMemories(
    policy: Partial<ForgetPolicy>,
    options: Place &
      CallOptions & { sessionId?: string; limit?: number; dryRun?: boolean; pinnedIds?: readonly string[] } = {},
  ): Promise<ForgetResponse> {
    return this.transport.send("POST", `${RECORDS}/forget`, {
      query: {
        namespace: this.namespace(options.namespace),
        user_id: options.userId,
        session_id: options.sessionId,
        limit: options.limit,
        dry_run: options.dryRun ?? false,
      },
      body: { policy, pinned_ids: options.pinnedIds },
      repeatable: options.dryRun ?? false,
      signal: options.signal,
    });
  }

  /** Merge duplicates now, within the call; the status tells how many records remain. */
  compactLongTermMemories(options: Place & CallOptions = {}): Promise<AckResponse> {
    return this.transport.send("POST", `${RECORDS}/compact`, {
      query: { namespace: this.namespace(options.namespace), user_id: options.userId },
      repeatable: false,
      signal: options.signal,
    });
  }

  /** Store a session's structured memories as records now: all of them, or those with the given ids. */
  async promoteWorkingMemoriesToLongTerm(
    sessionId: string,
    options: Place & CallOptions & { memoryIds?: readonly string[] } = {},
  ): Promise<AckResponse> {
    const session = await this.getWorkingMemory(sessionId, options);
    const all = (session?.memories ?? []) as MemoryToStore[];
    const wanted = all.filter((memory) => !options.memoryIds || options.memoryIds.includes(memory.id ?? ""));
    if (!wanted.length) return { status: "ok" };
    return this.createLongTermMemories(
      wanted.map((memory) => ({
        ...memory,
        session_id: memory.session_id ?? sessionId,
        user_id: memory.user_id ?? session?.user_id,
        namespace: memory.namespace ?? session?.namespace,
      })),
      options,
    );
  }

  /**
   * Messages for a model: the session's summary and messages, the memories that fit the query, and the query.
   * longTermSearch: true searches for the query; an object says how.
   */
  memoryPrompt(
    query: string,
    options: Place &
      ModelOptions &
      CallOptions & { sessionId?: string; longTermSearch?: SearchOptions | boolean; optimizeQuery?: boolean } = {},
  ): Promise<MemoryPromptResponse> {
    const namespace = this.namespace(options.namespace);
    const search = options.longTermSearch;
    const session = options.sessionId !== undefined && {
      session_id: options.sessionId,
      namespace,
      user_id: options.userId,
      ...this.model(options),
    };
    return this.transport.send("POST", "/v1/memory/prompt", {
      query: { optimize_query: options.optimizeQuery ?? false },
      body: {
        query,
        ...(session && { session }),
        ...(search !== undefined && {
          long_term_search: typeof search === "boolean" ? search : this.searchMembers({ ...search, namespace: search.namespace ?? namespace }),
        }),
      },
      signal: options.signal,
    });
  }

  /** A prompt of long-term memories alone. */
  hydrateMemoryPrompt(query: string, options: SearchOptions = {}): Promise<MemoryPromptResponse> {
    const { optimizeQuery, signal, ...search } = options;
    return this.memoryPrompt(query, {
      longTermSearch: search,
      ...(optimizeQuery !== undefined && { optimizeQuery }),
      ...(signal && { signal }),
    });
  }

  protected searchMembers(options: SearchOptions): Record<string, unknown> {
    const filters = { ...options, namespace: options.namespace ?? this.config.defaultNamespace };
    const conditions = (Object.keys(MEMBERS) as (keyof Filters)[])
      .filter((name) => filters[name] !== undefined && filters[name] !== null)
      .map((name) => [MEMBERS[name], plain(filters[name], name)]);
    return {
      text: options.text,
      search_mode: options.searchMode,
      hybrid_alpha: options.hybridAlpha,
      text_scorer: options.textScorer,
      distance_threshold: options.distanceThreshold,
      limit: options.limit,
      offset: options.offset,
      min_relevance: options.minRelevance,
      now: options.now,
      explain: options.explain,
      include_superseded: options.includeSuperseded,
      as_of: options.asOf,
      ...(options.recency && recencyMembers(options.recency)),
      ...Object.fromEntries(conditions),
      ...options.extra,
    };
  }
}
