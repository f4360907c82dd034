/** What every group of calls needs: the configuration, and a way to send. */

import type { MemoryClientConfig } from "./config.js";
import type { Query } from "./transport.js";
import { Transport } from "./transport.js";

/** For which model a session is read or written. */
export interface ModelOptions {
  modelName?: string;
  /** Tokens. */
  contextWindowMax?: number;
}

/** Whose session or memories are meant. */
export interface Place {
  userId?: string;
  namespace?: string;
}

/** Base of the groups of calls that make up the client. */
export class Calls {
  readonly config: Readonly<MemoryClientConfig>;
  protected readonly transport: Transport;

  constructor(config: MemoryClientConfig) {
    this.config = Object.freeze({ ...config });
    this.transport = new Transport(config);
  }

  protected namespace(given: string | undefined): string | undefined {
    return given ?? this.config.defaultNamespace;
  }

  protected model(options: ModelOptions): Query {
    return {
      model_name: options.modelName ?? this.config.defaultModelName,
      context_window_max: options.contextWindowMax ?? this.config.defaultContextWindowMax,
    };
  }
}
