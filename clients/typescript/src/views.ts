/** Calls on summary views, and on the tasks that compute them. */

import { Calls } from "./calls.js";
import { MemoryNotFoundError } from "./errors.js";
import type {
  AckResponse,
  CreateSummaryViewRequest,
  SummaryView,
  SummaryViewPartitionResult,
  Task,
} from "./generated/api.js";
import type { CallOptions } from "./transport.js";
import { newKey, segment } from "./transport.js";

/** A view to make: where its records come from, and by which fields they are grouped. */
export type ViewToCreate = Pick<CreateSummaryViewRequest, "source"> & Partial<CreateSummaryViewRequest>;

const VIEWS = "/v1/summary-views";

function address(viewId: string, rest = ""): string {
  return `${VIEWS}/${segment(viewId, "viewId")}${rest}`;
}

async function orNull<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof MemoryNotFoundError) return null;
    throw error;
  }
}

/** Summaries that are kept for every group of records. */
export class ViewCalls extends Calls {
  /** All views, in no particular order. */
  listSummaryViews(options: CallOptions = {}): Promise<SummaryView[]> {
    return this.transport.send("GET", VIEWS, options);
  }

  /** Make a view. Throws MemoryRequestRefusedError for a field that cannot be grouped by or filtered on. */
  createSummaryView(view: ViewToCreate, options: CallOptions = {}): Promise<SummaryView> {
    return this.transport.send("POST", VIEWS, {
      body: view,
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** The view with this id, or null. */
  getSummaryView(viewId: string, options: CallOptions = {}): Promise<SummaryView | null> {
    return orNull(this.transport.send<SummaryView>("GET", address(viewId), options));
  }

  /** Delete a view with what was computed for it; also `ok` when there is none. */
  deleteSummaryView(viewId: string, options: CallOptions = {}): Promise<AckResponse> {
    return this.transport.send("DELETE", address(viewId), options);
  }

  /** Compute the summary of one group now: a value for each field of the view's `group_by`. */
  runSummaryViewPartition(
    viewId: string,
    group: Record<string, string>,
    options: CallOptions = {},
  ): Promise<SummaryViewPartitionResult> {
    return this.transport.send("POST", address(viewId, "/partitions/run"), {
      body: { group },
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** What is computed of the groups with these values. Computes nothing. */
  listSummaryViewPartitions(
    viewId: string,
    options: CallOptions & { namespace?: string; userId?: string; sessionId?: string; memoryType?: string } = {},
  ): Promise<SummaryViewPartitionResult[]> {
    return this.transport.send("GET", address(viewId, "/partitions"), {
      query: {
        namespace: options.namespace,
        user_id: options.userId,
        session_id: options.sessionId,
        memory_type: options.memoryType,
      },
      signal: options.signal,
    });
  }

  /** Compute every group of the view, behind the request; ask `getTask` how far it is. */
  runSummaryView(viewId: string, options: CallOptions = {}): Promise<Task> {
    return this.transport.send("POST", address(viewId, "/run"), {
      body: {},
      headers: { "Idempotency-Key": newKey() },
      signal: options.signal,
    });
  }

  /** The task with this id, or null. */
  getTask(taskId: string, options: CallOptions = {}): Promise<Task | null> {
    return orNull(this.transport.send<Task>("GET", `/v1/tasks/${segment(taskId, "taskId")}`, options));
  }
}
