/** The client. */

import { MemoryClientError } from "./errors.js";
import type { MemoryClientConfig } from "./config.js";
import type { HealthCheckResponse, ReadinessResponse } from "./generated/api.js";
import { ToolCalls } from "./tools.js";
import { validateMemoryRecord, validateSearchFilters } from "./validation.js";
import type { CallOptions } from "./transport.js";

/**
 * A client of one server; keeps no connection of its own, so there is nothing to close.
 *
 * ```ts
 * const client = new MemoryAPIClient({ baseUrl: "http://localhost:8000" });
 * await client.createLongTermMemories([{ text: "User prefers morning meetings", user_id: "ada" }]);
 * const found = await client.searchLongTermMemory({ text: "When to meet?", userId: "ada" });
 * ```
 */
export class MemoryAPIClient extends ToolCalls {
  /** Whether the server lives: its time, in Unix seconds. */
  healthCheck(options: CallOptions = {}): Promise<HealthCheckResponse> {
    return this.transport.send("GET", "/v1/health", options);
  }

  /** Whether each part of the server works: `ready`, `degraded` or `unavailable`, with the parts that say why. */
  readiness(options: CallOptions = {}): Promise<ReadinessResponse> {
    return this.transport.send("GET", "/v1/health/ready", { ...options, answers: [503] });
  }

  /** Check a record's text, type and id before it is sent. Throws MemoryValidationError. */
  validateMemoryRecord(memory: Parameters<typeof validateMemoryRecord>[0]): void {
    validateMemoryRecord(memory);
  }

  /** Check the names of filters, and limit, offset and distanceThreshold. Throws MemoryValidationError. */
  validateSearchFilters(filters: Record<string, unknown>): void {
    validateSearchFilters(filters);
  }

  /** There is nothing to close; present so that code for older clients runs. */
  close(): void {}
}

/** A client of a server that answers. Throws MemoryClientError when it does not. */
export async function createMemoryClient(config: MemoryClientConfig): Promise<MemoryAPIClient> {
  const client = new MemoryAPIClient(config);
  try {
    await client.healthCheck();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new MemoryClientError(`Failed to connect to memory server at ${config.baseUrl}: ${reason}`, { cause: error });
  }
  return client;
}
