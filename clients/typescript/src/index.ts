export { MemoryAPIClient, createMemoryClient } from "./client.js";
export type { ModelOptions, Place } from "./calls.js";
export type { MemoryClientConfig } from "./config.js";
export * from "./errors.js";
export {
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
export type { Times } from "./filters.js";
export type * from "./generated/api.js";
export type { Condition, Filters, MemoryToStore, RecencyOptions, SearchOptions } from "./memories.js";
export type {
  MergeStrategy,
  MessageToStore,
  PutOptions,
  ReadOptions,
  SessionMemory,
  Strategy,
  WorkingMemory,
} from "./sessions.js";
export { anthropicTools, openAITools, parseToolCall } from "./tools.js";
export type {
  AnthropicTool,
  OpenAITool,
  ParsedToolCall,
  ToolCall,
  ToolName,
  ToolPlace,
  ToolResolution,
} from "./tools.js";
export type { CallOptions } from "./transport.js";
export { VERSION } from "./version.js";
export type { ViewToCreate } from "./views.js";
