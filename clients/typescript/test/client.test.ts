import { randomUUID } from "node:crypto";

import { beforeEach, describe, expect, inject, it } from "vitest";

import {
  MemoryAPIClient,
  MemoryClientError,
  MemoryConflictError,
  MemoryConnectionError,
  MemoryInvalidRequestError,
  MemoryTimeoutError,
  MemoryUnavailableError,
  MemoryValidationError,
  CreatedAt,
  Topics,
  UserId,
  anthropicTools,
  createMemoryClient,
  openAITools,
  parseToolCall,
} from "../src/index.js";

const baseUrl = inject("baseUrl");
let namespace: string;
let client: MemoryAPIClient;

beforeEach(() => {
  namespace = `ts-${randomUUID()}`;
  client = new MemoryAPIClient({ baseUrl, defaultNamespace: namespace });
});

async function collected<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A fetch that fails a few times before it asks the server. */
function failingFirst(times: number, failure: () => Response | Promise<never>) {
  const seen: Request[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    seen.push(new Request(input, init));
    return seen.length <= times ? failure() : globalThis.fetch(input, init);
  };
  return { fetch: fetch as typeof globalThis.fetch, seen };
}

describe("health", () => {
  it("tells the server's time and that its parts work", async () => {
    const connected = await createMemoryClient({ baseUrl });
    expect((await connected.healthCheck()).now).toBeGreaterThan(1_700_000_000);
    const { parts } = await connected.readiness();
    expect(parts.filter((part) => part.needed).every((part) => part.ok)).toBe(true);
  });

  it("says which server could not be reached", async () => {
    const unreachable = { baseUrl: "http://127.0.0.1:9", retries: 0 };
    await expect(createMemoryClient(unreachable)).rejects.toThrow(/127\.0\.0\.1:9/);
    await expect(createMemoryClient(unreachable)).rejects.toBeInstanceOf(MemoryClientError);
  });
});

describe("sessions", () => {
  it("keeps appended messages in order and reads them back", async () => {
    await client.appendMessages("chat", [{ role: "user", content: "I moved to Vienna." }], { userId: "ada" });
    const created_at = "2026-03-01T10:00:00Z";
    const appended = await client.appendMessages("chat", [{ role: "assistant", content: "Noted.", created_at }], {
      userId: "ada",
    });
    expect(appended.message_count).toBe(2);
    const session = await client.getWorkingMemory("chat", { userId: "ada" });
    expect(session?.messages?.map((message) => message.content)).toEqual(["I moved to Vienna.", "Noted."]);
    expect(new Date(session?.messages?.[1]?.created_at ?? "").toISOString()).toBe("2026-03-01T10:00:00.000Z");
    expect((await client.listSessions()).sessions).toEqual(["chat"]);
  });

  it("are listed page by page", async () => {
    for (const name of ["a", "b", "c"]) await client.getOrCreateWorkingMemory(name);
    expect((await collected(client.iterateSessions({ limit: 2 }))).sort()).toEqual(["a", "b", "c"]);
  });

  it("answers null for a session that is not there", async () => {
    expect(await client.getWorkingMemory("nowhere")).toBeNull();
  });

  it("never overwrites a live session when several get or create it", async () => {
    const made = await Promise.all(Array.from({ length: 8 }, () => client.getOrCreateWorkingMemory("one")));
    expect(made.filter((one) => one.created)).toHaveLength(1);
    await client.appendMessages("one", [{ role: "user", content: "kept" }]);
    const again = await client.getOrCreateWorkingMemory("one");
    expect(again.created).toBe(false);
    expect(again.memory.messages).toHaveLength(1);
  });

  it("loses no change of data when several write at once", async () => {
    await client.getOrCreateWorkingMemory("busy");
    await Promise.all(
      [1, 2, 3, 4].map((n) => client.updateWorkingMemoryData("busy", { [`member${n}`]: n })),
    );
    const session = await client.getWorkingMemory("busy");
    expect(session?.data).toEqual({ member1: 1, member2: 2, member3: 3, member4: 4 });
    await client.updateWorkingMemoryData("busy", { member1: { a: 1 } });
    const deep = await client.updateWorkingMemoryData("busy", { member1: { b: 2 } }, { mergeStrategy: "deep_merge" });
    expect(deep.data?.member1).toEqual({ a: 1, b: 2 });
    expect((await client.setWorkingMemoryData("busy", { only: true })).data).toEqual({ only: true });
  });

  it("refuses to write over a revision that is gone", async () => {
    const { memory } = await client.getOrCreateWorkingMemory("revised");
    await client.appendMessages("revised", [{ role: "user", content: "later" }]);
    const put = client.putWorkingMemory("revised", { messages: [] }, { ifRevision: memory.revision ?? 0 });
    await expect(put).rejects.toBeInstanceOf(MemoryConflictError);
  });

  it("promotes structured memories and deletes the session", async () => {
    await client.addMemoriesToWorkingMemory("structured", [{ text: "Ada plays the violin." }], { userId: "ada" });
    await client.promoteWorkingMemoriesToLongTerm("structured", { userId: "ada" });
    const found = await client.searchLongTermMemory({ text: "violin", searchMode: "keyword", userId: "ada" });
    expect(found.memories.map((memory) => memory.text)).toContain("Ada plays the violin.");
    expect((await client.deleteWorkingMemory("structured", { userId: "ada" })).status).toContain("ok");
    expect(await client.getWorkingMemory("structured", { userId: "ada" })).toBeNull();
  });
});

describe("memories", () => {
  it("are stored, found, changed and deleted", async () => {
    const stored = await client.createLongTermMemories([{ id: `${namespace}-1`, text: "Ada likes tea.", user_id: "ada" }]);
    expect(stored.items?.[0]?.status).toBe("created");
    const found = await client.searchLongTermMemory({ text: "tea", searchMode: "hybrid", userId: "ada", explain: true });
    expect(found.memories[0]?.text).toBe("Ada likes tea.");
    const edited = await client.editLongTermMemory(`${namespace}-1`, { text: "Ada likes green tea." });
    expect(edited.text).toBe("Ada likes green tea.");
    await client.deleteLongTermMemories([`${namespace}-1`]);
    expect(await client.getLongTermMemory(`${namespace}-1`)).toBeNull();
  });

  it("take filters as objects and as plain values", async () => {
    await client.bulkCreateLongTermMemories(
      ["ada", "bob", "eve"].map((user_id) => ({ text: `A note about ${user_id}`, user_id, topics: ["notes", user_id] })),
      { batchSize: 2 },
    );
    const users = async (options: Parameters<MemoryAPIClient["searchLongTermMemory"]>[0]) =>
      (await client.searchLongTermMemory(options)).memories.map((memory) => memory.user_id).sort();
    expect(await users({ userId: "ada" })).toEqual(["ada"]);
    expect(await users({ userId: ["ada", "eve"] })).toEqual(["ada", "eve"]);
    expect(await users({ userId: { not_eq: "ada" } })).toEqual(["bob", "eve"]);
    expect(await users({ topics: "bob" })).toEqual(["bob"]);
    expect(await users({ topics: { all: ["notes", "eve"] } })).toEqual(["eve"]);
  });

  it("are walked page by page", async () => {
    const texts = Array.from({ length: 23 }, (_, n) => `Fact number ${n}`);
    await client.createLongTermMemories(texts.map((text) => ({ text })));
    const listed = await collected(client.iterateLongTermMemories({ limit: 5 }));
    expect(listed.map((memory) => memory.text).sort()).toEqual([...texts].sort());
    const searched = await collected(client.searchAllLongTermMemories({ text: "fact", batchSize: 7 }));
    expect(new Set(searched.map((memory) => memory.text))).toEqual(new Set(texts));
  });

  it("are forgotten by policy, and a dry run only tells", async () => {
    await client.createLongTermMemories([{ text: "old" }, { text: "new" }]);
    const told = await client.forgetLongTermMemories({ budget: 1 }, { dryRun: true });
    expect(told.deleted).toBe(1);
    expect((await client.listLongTermMemories()).total).toBe(2);
    await client.forgetLongTermMemories({ budget: 1 });
    expect((await client.listLongTermMemories()).total).toBe(1);
    expect((await client.compactLongTermMemories()).status).toContain("ok");
  });

  it("become part of a prompt", async () => {
    await client.createLongTermMemories([{ text: "Ada is allergic to peanuts.", user_id: "ada" }]);
    await client.appendMessages("dinner", [{ role: "user", content: "Plan a dinner." }], { userId: "ada" });
    const prompt = await client.memoryPrompt("Which food not to serve?", {
      sessionId: "dinner",
      userId: "ada",
      longTermSearch: { userId: "ada" },
    });
    const text = JSON.stringify(prompt.messages);
    expect(text).toContain("peanuts");
    expect(text).toContain("Plan a dinner.");
    const hydrated = await client.hydrateMemoryPrompt("peanuts", { userId: "ada" });
    expect(JSON.stringify(hydrated.messages)).toContain("allergic");
  });
});

describe("history and views", () => {
  it("tells what a memory said before", async () => {
    const id = `${namespace}-h`;
    await client.createLongTermMemories([{ id, text: "Ada lives in Linz." }]);
    await client.editLongTermMemory(id, { text: "Ada lives in Vienna." });
    const history = await client.getLongTermMemoryHistory(id);
    expect(history.versions.map((version) => version.text)).toEqual(["Ada lives in Vienna.", "Ada lives in Linz."]);
  });

  it("keeps a summary for each group of records", async () => {
    await client.createLongTermMemories([{ text: "Ada paints.", user_id: "ada" }]);
    const view = await client.createSummaryView({ source: "long_term", group_by: ["user_id"], filters: { namespace } });
    expect((await client.listSummaryViews()).map((one) => one.id)).toContain(view.id);
    const part = await client.runSummaryViewPartition(view.id, { user_id: "ada" });
    expect(part.summary).toContain("Ada paints.");
    const task = await client.runSummaryView(view.id);
    expect((await client.getTask(task.id))?.view_id).toBe(view.id);
    expect((await client.listSummaryViewPartitions(view.id, { userId: "ada" }))[0]?.memory_count).toBe(1);
    await client.deleteSummaryView(view.id);
    expect(await client.getSummaryView(view.id)).toBeNull();
    expect(await client.getTask("nothing")).toBeNull();
  });
});

describe("failures", () => {
  it("name the member at fault", async () => {
    const error = await client.searchLongTermMemory({ text: "x", limit: 100_000 }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(MemoryInvalidRequestError);
    expect((error as MemoryInvalidRequestError).message).toContain("limit");
    expect((error as MemoryInvalidRequestError).code).toBe("invalid_request");
    expect((error as MemoryInvalidRequestError).fields).not.toHaveLength(0);
  });

  it("that may pass are repeated, with the same idempotency key", async () => {
    const { fetch, seen } = failingFirst(2, () => new Response('{"detail":"busy","code":"unavailable"}', { status: 503 }));
    const patient = new MemoryAPIClient({ baseUrl, fetch, retryDelay: 1, defaultNamespace: namespace });
    await patient.createLongTermMemories([{ text: "once" }]);
    expect(new Set(seen.map((request) => request.headers.get("idempotency-key")))).toHaveProperty("size", 1);
    expect((await client.listLongTermMemories()).total).toBe(1);
  });

  it("end after the last attempt as what they are", async () => {
    const { fetch, seen } = failingFirst(9, () => new Response("gone fishing", { status: 503 }));
    const patient = new MemoryAPIClient({ baseUrl, fetch, retries: 3, retryDelay: 1 });
    await expect(patient.healthCheck()).rejects.toBeInstanceOf(MemoryUnavailableError);
    expect(seen).toHaveLength(4);
  });

  it("of a request that must not be repeated are not repeated", async () => {
    const { fetch, seen } = failingFirst(9, () => Promise.reject(new TypeError("socket hang up")));
    const patient = new MemoryAPIClient({ baseUrl, fetch, retryDelay: 1 });
    await expect(patient.forgetLongTermMemories({ budget: 1 })).rejects.toBeInstanceOf(MemoryConnectionError);
    expect(seen).toHaveLength(1);
  });

  it("by a deadline and by the caller's signal are told apart", async () => {
    const hanging: typeof globalThis.fetch = (_input, init) =>
      new Promise((_resolve, reject) => init?.signal?.addEventListener("abort", () => reject(init.signal?.reason)));
    const late = new MemoryAPIClient({ baseUrl, fetch: hanging, timeout: 20, retries: 0 });
    await expect(late.healthCheck()).rejects.toBeInstanceOf(MemoryTimeoutError);
    const stop = new AbortController();
    const stopped = new MemoryAPIClient({ baseUrl, fetch: hanging }).healthCheck({ signal: stop.signal });
    stop.abort(new Error("the user left"));
    await expect(stopped).rejects.toThrow("the user left");
  });

  it("of the caller are found before anything is sent", async () => {
    expect(() => new MemoryAPIClient({ baseUrl: "localhost:8000" })).toThrow(MemoryValidationError);
    await expect(client.getLongTermMemory("a/b")).rejects.toBeInstanceOf(MemoryValidationError);
    await expect(client.getWorkingMemory("")).rejects.toBeInstanceOf(MemoryValidationError);
  });

  it("carry tokens and headers", async () => {
    const { fetch, seen } = failingFirst(0, () => new Response());
    await new MemoryAPIClient({ baseUrl, fetch, token: "secret", headers: { "X-Trace": "7" } }).healthCheck();
    expect(seen[0]?.headers.get("authorization")).toBe("Bearer secret");
    expect(seen[0]?.headers.get("x-trace")).toBe("7");
  });
});

describe("filters", () => {
  it("are objects as well as plain values, and times are dates", async () => {
    const created_at = "2026-03-01T10:00:00Z";
    await client.createLongTermMemories([
      { text: "Ada drinks tea.", user_id: "ada", topics: ["tea"], created_at },
      { text: "Bob drinks tea.", user_id: "bob", topics: ["tea"] },
    ]);
    const before = new CreatedAt({ lte: new Date("2026-03-02") });
    const found = await client.searchLongTermMemory({
      text: "tea",
      userId: new UserId({ in_: ["ada", "bob"] }),
      topics: new Topics({ any: ["tea"] }),
      createdAt: before,
    });
    expect(found.memories.map((memory) => memory.text)).toEqual(["Ada drinks tea."]);
    const not = await client.searchLongTermMemory({ text: "tea", userId: { not_eq: "ada" }, createdAt: { gte: created_at } });
    expect(not.memories.map((memory) => memory.text)).toEqual(["Bob drinks tea."]);
  });

  it("and records can be checked before anything is sent", () => {
    expect(() => client.validateSearchFilters({ userId: "ada", limit: 5 })).not.toThrow();
    expect(() => client.validateSearchFilters({ color: "red" })).toThrow(/Invalid filter key: color/);
    expect(() => client.validateSearchFilters({ limit: 0 })).toThrow(MemoryValidationError);
    expect(() => client.validateMemoryRecord({ text: "tea" })).not.toThrow();
    expect(() => client.validateMemoryRecord({ text: " " })).toThrow(/empty/);
    expect(() => client.validateMemoryRecord({ text: "tea", id: "1" })).toThrow(/Invalid ID format/);
  });
});

describe("background work", () => {
  it("is counted, and what was given up is listed, retried and discarded", async () => {
    expect((await client.getJobFigures()).dead).toBe(0);
    expect(await client.listDeadJobs()).toEqual([]);
    expect(await client.retryDeadJobs(["17"])).toBe(0);
    expect(await client.discardDeadJobs(["17"])).toBe(0);
  });

  it("tells what was decided about memories", async () => {
    const found = await client.listDecisions({ outcome: "refused", counts: true, limit: 5 });
    expect(found.decisions).toEqual([]);
    expect(found.counts).toEqual([]);
  });

  it("shows what extraction would remember, and stores nothing", async () => {
    const session = await client.appendMessagesToWorkingMemory("trial", [
      { role: "user", content: "I moved to Lisbon in May 2024." },
    ]);
    expect(session.messages).toHaveLength(1);
    const tried = await client.tryExtraction("trial");
    expect(tried.memories[0]?.text).toContain("Lisbon");
  });
});

describe("tools", () => {
  it("come in both providers' forms", () => {
    expect(openAITools().map((tool) => tool.function.name)).toEqual(anthropicTools().map((tool) => tool.name));
    expect(openAITools(["search_memory"])[0]?.function.parameters).toMatchObject({ required: ["query"] });
  });

  it("are parsed from every provider's calls", () => {
    const given = { query: "tea" };
    const text = JSON.stringify(given);
    const calls = [
      { type: "tool_use", id: "1", name: "search_memory", input: given },
      { type: "function", id: "1", function: { name: "search_memory", arguments: text } },
      { type: "function_call", call_id: "1", name: "search_memory", arguments: text },
      { id: "1", name: "search_memory", args: given },
    ];
    const providers = calls.map((call) => parseToolCall(call));
    expect(providers.map((call) => call.provider)).toEqual(["anthropic", "openai", "openai", "generic"]);
    expect(providers.every((call) => call.name === "search_memory" && call.arguments.query === "tea")).toBe(true);
  });

  it("store and find memories, and the model reads them", async () => {
    const place = { sessionId: "tools", userId: "ada" };
    const stored = await client.resolveToolCall(
      { name: "eagerly_create_long_term_memory", arguments: { memories: [{ text: "Ada owns a boat.", memory_type: "semantic" }] } },
      place,
    );
    expect(stored).toMatchObject({ success: true, functionName: "eagerly_create_long_term_memory" });
    const found = await client.resolveToolCall({ type: "tool_use", name: "search_memory", input: { query: "boat" } }, place);
    expect(found.formattedResponse).toContain("Ada owns a boat.");
  });

  it("stay within the caller's user, whatever the model asks for", async () => {
    await client.createLongTermMemories([{ id: `${namespace}-bob`, text: "Bob's secret", user_id: "bob" }]);
    const place = { sessionId: "tools", userId: "ada" };
    const answers = await client.resolveToolCalls(
      [
        { name: "search_memory", arguments: { query: "secret", user_id: "bob" } },
        { name: "get_long_term_memory", arguments: { memory_id: `${namespace}-bob` } },
        { name: "edit_long_term_memory", arguments: { memory_id: `${namespace}-bob`, text: "mine" } },
        { name: "delete_long_term_memories", arguments: { memory_ids: [`${namespace}-bob`] } },
      ],
      place,
    );
    expect(JSON.stringify(answers)).not.toContain("Bob's");
    expect(answers.map((answer) => answer.success)).toEqual([true, false, false, false]);
    expect((await client.getLongTermMemory(`${namespace}-bob`))?.text).toBe("Bob's secret");
  });

  it("never throw", async () => {
    const place = { sessionId: "tools" };
    for (const call of [{ name: "rm" }, { name: "search_memory", arguments: "{" }, { name: "search_memory" }]) {
      const answer = await client.resolveToolCall(call, place);
      expect(answer.success).toBe(false);
      expect(answer.error).toBeTruthy();
    }
    const now = await client.resolveToolCall({ name: "get_current_datetime" }, place);
    expect(Date.parse(now.formattedResponse)).toBeGreaterThan(1_700_000_000_000);
    const session = await client.resolveToolCall({ name: "get_or_create_working_memory" }, place);
    expect(session.success).toBe(true);
    const data = await client.resolveToolCall({ name: "update_working_memory_data", arguments: { data: { step: 2 } } }, place);
    expect(data.formattedResponse).toContain('"step":2');
    const noted = await client.resolveToolCall(
      { name: "lazily_create_long_term_memory", arguments: { text: "Ada hums.", memory_type: "semantic" } },
      place,
    );
    expect(noted.formattedResponse).toContain("Ada hums.");
  });
});
