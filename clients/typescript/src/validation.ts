/** Checks that a caller can make before anything is sent; the server makes its own in any case. */

import { MemoryValidationError } from "./errors.js";

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const TYPES: ReadonlySet<unknown> = new Set(["semantic", "episodic", "message"]);
const SEARCH_KEYS: ReadonlySet<string> = new Set([
  "sessionId",
  "namespace",
  "topics",
  "entities",
  "createdAt",
  "lastAccessed",
  "eventDate",
  "userId",
  "distanceThreshold",
  "memoryType",
  "extractionStrategy",
  "limit",
  "offset",
]);

/** Stricter than the server, which takes any id and not only ULIDs. Throws MemoryValidationError. */
export function validateMemoryRecord(memory: { text: string; memory_type?: unknown; id?: string | null }): void {
  if (!memory.text.trim()) throw new MemoryValidationError("Memory text cannot be empty");
  if (memory.memory_type != null && !TYPES.has(memory.memory_type)) {
    throw new MemoryValidationError(`Invalid memory type: ${String(memory.memory_type)}`);
  }
  if (memory.id && !ULID.test(memory.id)) throw new MemoryValidationError(`Invalid ID format: ${memory.id}`);
}

/** Names of filters, and limit, offset and distanceThreshold. Throws MemoryValidationError. */
export function validateSearchFilters(filters: Record<string, unknown>): void {
  for (const name of Object.keys(filters)) {
    if (!SEARCH_KEYS.has(name)) throw new MemoryValidationError(`Invalid filter key: ${name}`);
  }
  if (!isInteger(filters.limit ?? 1, 1)) throw new MemoryValidationError("Limit must be a positive integer");
  if (!isInteger(filters.offset ?? 0, 0)) throw new MemoryValidationError("Offset must be a non-negative integer");
  const threshold = filters.distanceThreshold ?? 0;
  if (typeof threshold !== "number" || !(threshold >= 0)) {
    throw new MemoryValidationError("Distance threshold must be a non-negative number");
  }
}

function isInteger(value: unknown, least: number): boolean {
  return Number.isInteger(value) && (value as number) >= least;
}
