/** Memory as tools of a language model: their schemas, and the resolution of the calls that a model makes. */

import type { Place } from "./calls.js";
import { MemoryNotFoundError, MemoryValidationError } from "./errors.js";
import type { EditMemoryRecordRequest, MemoryTypeEnum, SearchModeEnum } from "./generated/api.js";
import { TOOLS } from "./generated/tools.js";
import type { MemoryToStore } from "./memories.js";
import { UpkeepCalls } from "./upkeep.js";
import type { MergeStrategy } from "./sessions.js";

export type ToolName = keyof typeof TOOLS;
export interface OpenAITool {
  type: "function";
  function: { name: string; description: string; parameters: Record<string, unknown> };
}
export interface AnthropicTool {
  name: string;
  description: string;
  input_schema: Record<string, unknown>;
}

/** A tool call as a provider's answer has it, or `{ name, arguments }`. */
export type ToolCall = object;

/** What a model asked for. */
export interface ParsedToolCall {
  id: string | undefined;
  name: string;
  arguments: Record<string, unknown>;
  provider: "openai" | "anthropic" | "generic";
}

/** What became of a call. `formattedResponse` is the text for the model; it holds the memories themselves. */
export interface ToolResolution {
  success: boolean;
  functionName: string;
  result: unknown;
  error: string | null;
  formattedResponse: string;
}

/** Where tools work. What is given here wins over what a model asks for. */
export interface ToolPlace extends Place {
  sessionId: string;
}

type Arguments = Record<string, unknown>;
type Handler = (client: ToolCalls, given: Arguments, place: ToolPlace) => Promise<{ result: unknown; text: string }>;

function copied<T>(value: T): T {
  return structuredClone(value);
}

/** Tools in OpenAI's form; all of them, or those with the given names. */
export function openAITools(names: readonly ToolName[] = Object.keys(TOOLS) as ToolName[]): OpenAITool[] {
  return names.map((name) => ({ type: "function", function: { name, ...copied(TOOLS[name]) } })) as OpenAITool[];
}

/** Tools in Anthropic's form; all of them, or those with the given names. */
export function anthropicTools(names: readonly ToolName[] = Object.keys(TOOLS) as ToolName[]): AnthropicTool[] {
  return names.map((name) => {
    const { description, parameters } = copied(TOOLS[name]);
    return { name, description, input_schema: parameters as Record<string, unknown> };
  });
}

function asObject(value: unknown): Arguments {
  let parsed: unknown = value;
  if (typeof value === "string") {
    try {
      parsed = JSON.parse(value || "{}");
    } catch {
      throw new MemoryValidationError("the arguments are no JSON");
    }
  }
  if (parsed === null || parsed === undefined) return {};
  if (typeof parsed !== "object" || Array.isArray(parsed)) {
    throw new MemoryValidationError("the arguments are no JSON object");
  }
  return parsed as Arguments;
}

/** Read a provider's tool call. Throws MemoryValidationError for arguments that are no JSON object. */
export function parseToolCall(call: ToolCall): ParsedToolCall {
  const given = call as Record<string, unknown>;
  const id = typeof given.id === "string" ? given.id : undefined;
  if (given.type === "tool_use") {
    return { id, name: String(given.name), arguments: asObject(given.input), provider: "anthropic" };
  }
  if (given.function && typeof given.function === "object") {
    const inner = given.function as Record<string, unknown>;
    return { id, name: String(inner.name), arguments: asObject(inner.arguments), provider: "openai" };
  }
  const callId = typeof given.call_id === "string" ? given.call_id : id;
  const provider = given.type === "function_call" ? "openai" : "generic";
  return { id: callId, name: String(given.name), arguments: asObject(given.arguments ?? given.args), provider };
}

function needed(given: Arguments, name: string): string {
  const value = given[name];
  if (typeof value !== "string" || !value) throw new MemoryValidationError(`missing argument: ${name}`);
  return value;
}

function strings(value: unknown): string[] | undefined {
  return Array.isArray(value) && value.length ? value.map(String) : undefined;
}

function recordOf(given: Arguments, place: ToolPlace): MemoryToStore {
  return {
    text: needed(given, "text"),
    memory_type: (given.memory_type as MemoryTypeEnum | undefined) ?? "semantic",
    ...(strings(given.topics) && { topics: strings(given.topics) }),
    ...(strings(given.entities) && { entities: strings(given.entities) }),
    ...(given.event_date ? { event_date: String(given.event_date) } : {}),
    ...(place.userId !== undefined && { user_id: place.userId }),
    ...(place.namespace !== undefined && { namespace: place.namespace }),
  };
}

const HANDLERS: Readonly<Record<ToolName, Handler>> = {
  async search_memory(client, given, place) {
    const query = needed(given, "query");
    const least = given.min_relevance as number | undefined;
    const user = place.userId ?? (given.user_id as string | undefined);
    const found = await client.searchLongTermMemory({
      text: query,
      searchMode: (given.search_mode as SearchModeEnum | undefined) ?? "semantic",
      limit: (given.max_results as number | undefined) ?? 10,
      offset: (given.offset as number | undefined) ?? 0,
      optimizeQuery: given.optimize_query === true,
      ...(least !== undefined && { distanceThreshold: 1 - least }),
      ...(strings(given.topics) && { topics: { any: strings(given.topics) } }),
      ...(strings(given.entities) && { entities: { any: strings(given.entities) } }),
      ...(given.memory_type ? { memoryType: String(given.memory_type) } : {}),
      ...(user !== undefined && { userId: user }),
      ...(place.namespace !== undefined && { namespace: place.namespace }),
    });
    const lines = found.memories.map((memory) => `- [${memory.id}] ${memory.text}`);
    const head = `Found ${found.memories.length} relevant memories for: ${query}`;
    return { result: found, text: [head, ...lines].join("\n") };
  },
  async get_or_create_working_memory(client, _given, place) {
    const { created, memory } = await client.getOrCreateWorkingMemory(place.sessionId, place);
    const context = memory.context ? ` Summary: ${memory.context}` : "";
    const data = JSON.stringify(memory.data ?? {});
    const memories = (memory.memories ?? []).map((one) => `\n- ${one.text}`).join("");
    const text = `Session of ${(memory.messages ?? []).length} messages. Data: ${data}.${context}${memories}`;
    return { result: { created, ...memory }, text };
  },
  async lazily_create_long_term_memory(client, given, place) {
    const record = recordOf(given, place);
    const result = await client.addMemoriesToWorkingMemory(place.sessionId, [record], place);
    return { result: { revision: result.revision }, text: `Noted: ${record.text}` };
  },
  async update_working_memory_data(client, given, place) {
    const data = asObject(given.data);
    const mergeStrategy = (given.merge_strategy as MergeStrategy | undefined) ?? "merge";
    const result = await client.updateWorkingMemoryData(place.sessionId, data, { ...place, mergeStrategy });
    return { result: result.data, text: `Data is now: ${JSON.stringify(result.data ?? {})}` };
  },
  async get_long_term_memory(client, given, place) {
    const memory = await client.memoryWithin(needed(given, "memory_id"), place);
    return { result: memory, text: JSON.stringify(memory) };
  },
  async eagerly_create_long_term_memory(client, given, place) {
    const list = Array.isArray(given.memories) ? given.memories : [given.memories ?? given];
    const records = list.map((one) => ({ ...recordOf(asObject(one), place), session_id: place.sessionId }));
    const result = await client.createLongTermMemories(records);
    return { result, text: `Stored ${records.length}:${records.map((one) => `\n- ${one.text}`).join("")}` };
  },
  async edit_long_term_memory(client, given, place) {
    const id = needed(given, "memory_id");
    await client.memoryWithin(id, place);
    const { memory_id: _id, ...updates } = given;
    if (place.userId !== undefined) delete updates.user_id;
    if (place.namespace !== undefined) delete updates.namespace;
    const result = await client.editLongTermMemory(id, updates as Partial<EditMemoryRecordRequest>);
    return { result, text: `Changed ${id}: ${result.text}` };
  },
  async delete_long_term_memories(client, given, place) {
    const ids = strings(given.memory_ids) ?? [];
    for (const id of ids) await client.memoryWithin(id, place);
    const result = await client.deleteLongTermMemories(ids);
    return { result, text: result.status };
  },
  async get_current_datetime() {
    const now = new Date();
    return { result: { iso: now.toISOString(), unix: now.getTime() / 1000 }, text: now.toISOString() };
  },
};

const ALIASES: Readonly<Record<string, ToolName>> = {
  add_memory_to_working_memory: "lazily_create_long_term_memory",
  create_long_term_memory: "eagerly_create_long_term_memory",
  get_working_memory: "get_or_create_working_memory",
};

/** Resolution of the tool calls that a model makes. */
export class ToolCalls extends UpkeepCalls {
  /** Carry out one call. Never throws: a failure is described for the model. */
  async resolveToolCall(call: ToolCall, place: ToolPlace): Promise<ToolResolution> {
    let name = "unknown";
    try {
      const parsed = parseToolCall(call);
      name = parsed.name;
      const handler = HANDLERS[(ALIASES[name] ?? name) as ToolName];
      if (!handler) throw new MemoryValidationError(`Unknown function: ${name}`);
      const bound = { ...place, namespace: place.namespace ?? this.config.defaultNamespace };
      const { result, text } = await handler(this, parsed.arguments, bound);
      return { success: true, functionName: name, result, error: null, formattedResponse: text };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { success: false, functionName: name, result: null, error: reason, formattedResponse: `Error: ${reason}` };
    }
  }

  /** Carry out calls in their order, one after another. */
  async resolveToolCalls(calls: readonly ToolCall[], place: ToolPlace): Promise<ToolResolution[]> {
    const resolved: ToolResolution[] = [];
    for (const call of calls) resolved.push(await this.resolveToolCall(call, place));
    return resolved;
  }

  /** A record of the place's user and namespace; others do not exist for a model. */
  async memoryWithin(memoryId: string, place: Place): Promise<NonNullable<Awaited<ReturnType<this["getLongTermMemory"]>>>> {
    const memory = await this.getLongTermMemory(memoryId);
    const foreign =
      memory &&
      ((place.userId !== undefined && memory.user_id !== place.userId) ||
        (place.namespace !== undefined && memory.namespace !== place.namespace));
    if (!memory || foreign) throw new MemoryNotFoundError(`no memory ${memoryId}`, { statusCode: 404 });
    return memory as NonNullable<Awaited<ReturnType<this["getLongTermMemory"]>>>;
  }
}
