/**
 * Filters as objects, for those who like them; plain values do as well: `userId: "ada"`, `topics: ["tea"]`, or an object of
 * the same members.
 *
 * ```ts
 * await client.searchLongTermMemory({ text: "tea", userId: new UserId({ in_: ["ada", "bob"] }) });
 * ```
 */

import type * as api from "./generated/api.js";

type Words = Partial<api.SessionId>;
type Kinds = Partial<api.MemoryType>;
type Moment = string | Date;

/** ISO 8601 text or a Date; `between` holds two of them. */
export interface Times {
  gt?: Moment;
  lt?: Moment;
  gte?: Moment;
  lte?: Moment;
  eq?: Moment;
  ne?: Moment;
  between?: readonly [Moment, Moment];
  inclusive?: api.CreatedAt["inclusive"];
}

function filterOf<Members extends object>() {
  return class {
    constructor(members: Members) {
      Object.assign(this, members);
    }
  } as new (members: Members) => Members;
}

export class SessionId extends filterOf<Words>() {}
export class Namespace extends filterOf<Words>() {}
export class UserId extends filterOf<Words>() {}
export class Topics extends filterOf<Words>() {}
export class Entities extends filterOf<Words>() {}
export class MemoryType extends filterOf<Kinds>() {}
export class ExtractionStrategy extends filterOf<Words>() {}
export class CreatedAt extends filterOf<Times>() {}
export class LastAccessed extends filterOf<Times>() {}
export class EventDate extends filterOf<Times>() {}
