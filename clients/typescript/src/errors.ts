/** Everything a call can throw, under one root; rebuilt from the stable `code` of the server's answer. */

/** Root of all errors of this package. `retryable`: the same call may succeed later. */
export class MemoryClientError extends Error {
  retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The call breaks a rule; nothing was sent. */
export class MemoryValidationError extends MemoryClientError {}

/** The server could not be reached, or the connection broke; whether it carried out the request is not known. */
export class MemoryConnectionError extends MemoryClientError {
  override retryable = true;
}

/** The server did not answer in time; whether it carried out the request is not known. */
export class MemoryTimeoutError extends MemoryConnectionError {}

/** What the server's answer to a failed request says. */
export interface Answer {
  /** HTTP status. */
  statusCode: number;
  /** The server's stable name of the failure, undefined when it gave none. */
  code?: string;
  retryable?: boolean;
  /** What to quote to the server's operators, when the fault is there. */
  errorId?: string;
  /** The members at fault, for a refused request (422). */
  fields?: readonly { loc: readonly (string | number)[]; msg: string }[];
}

/** An error that the server answered. */
export class MemoryServerError extends MemoryClientError {
  readonly statusCode: number;
  readonly code: string | undefined;
  readonly errorId: string | undefined;
  readonly fields: NonNullable<Answer["fields"]>;

  constructor(message: string, answer: Answer) {
    super(message);
    this.statusCode = answer.statusCode;
    this.code = answer.code;
    this.errorId = answer.errorId;
    this.fields = answer.fields ?? [];
    this.retryable = answer.retryable ?? RETRYABLE.has(answer.statusCode);
  }
}

/** There is no such thing in the caller's scope (404). */
export class MemoryNotFoundError extends MemoryServerError {}
/** The server refused the request's shape or values (422): fix it. */
export class MemoryInvalidRequestError extends MemoryServerError {}
/** The request is well formed but cannot be done as asked (400). */
export class MemoryRequestRefusedError extends MemoryServerError {}
/** No token, or one that is not valid (401). */
export class MemoryUnauthenticatedError extends MemoryServerError {}
/** The token does not grant this (403). */
export class MemoryForbiddenError extends MemoryServerError {}
/** The stored state is not what the request assumed (409, 412): read again, then decide. */
export class MemoryConflictError extends MemoryServerError {}
/** The request is larger than a documented limit (413). */
export class MemoryTooLargeError extends MemoryServerError {}
/** Too many requests (429): wait, then try again. */
export class MemoryRateLimitedError extends MemoryServerError {}
/** A part that the server needs does not work now (502, 503, 504): wait, then try again. */
export class MemoryUnavailableError extends MemoryServerError {}

type AnsweredClass = new (message: string, answer: Answer) => MemoryServerError;

const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

const BY_CODE: Readonly<Record<string, AnsweredClass>> = {
  invalid_request: MemoryInvalidRequestError,
  request_refused: MemoryRequestRefusedError,
  unauthenticated: MemoryUnauthenticatedError,
  forbidden: MemoryForbiddenError,
  not_found: MemoryNotFoundError,
  conflict: MemoryConflictError,
  too_large: MemoryTooLargeError,
  rate_limited: MemoryRateLimitedError,
  unavailable: MemoryUnavailableError,
  deadline_exceeded: MemoryUnavailableError,
};

const BY_STATUS: Readonly<Record<number, AnsweredClass>> = {
  400: MemoryRequestRefusedError,
  401: MemoryUnauthenticatedError,
  403: MemoryForbiddenError,
  404: MemoryNotFoundError,
  409: MemoryConflictError,
  412: MemoryConflictError,
  413: MemoryTooLargeError,
  422: MemoryInvalidRequestError,
  429: MemoryRateLimitedError,
  502: MemoryUnavailableError,
  503: MemoryUnavailableError,
  504: MemoryUnavailableError,
};

interface ErrorBody {
  detail?: unknown;
  code?: string;
  retryable?: boolean;
  error_id?: string;
}

function reasonOf(detail: unknown, status: number): string {
  if (typeof detail === "string" && detail) return detail;
  if (Array.isArray(detail)) {
    return detail
      .map((one: { loc?: unknown[]; msg?: string }) => `${(one.loc ?? []).join(".")}: ${one.msg ?? ""}`)
      .join("; ");
  }
  return `HTTP ${status}`;
}

/** The error for an answer: by the server's code; by the status where a proxy or an older server gave no code. */
export async function errorOf(response: Response): Promise<MemoryServerError> {
  const text = await response.text().catch(() => "");
  let body: ErrorBody = {};
  try {
    const parsed: unknown = JSON.parse(text);
    if (parsed && typeof parsed === "object") body = parsed as ErrorBody;
  } catch {
    // not JSON: a proxy's page; the status alone speaks
  }
  const kind = (body.code && BY_CODE[body.code]) || BY_STATUS[response.status] || MemoryServerError;
  const fields = Array.isArray(body.detail) ? (body.detail as Answer["fields"]) : undefined;
  return new kind(reasonOf(body.detail, response.status), {
    statusCode: response.status,
    ...(body.code !== undefined && { code: body.code }),
    ...(body.retryable !== undefined && { retryable: body.retryable }),
    ...(body.error_id !== undefined && { errorId: body.error_id }),
    ...(fields && { fields }),
  });
}
