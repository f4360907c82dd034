-- What was decided about memories, and why: ids and reasons, no texts. The newest entries only.
CREATE TABLE decision_log(
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,                     -- Unix seconds
  kind TEXT NOT NULL,
  outcome TEXT NOT NULL,
  reason TEXT NOT NULL,
  by TEXT NOT NULL,
  namespace TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  memory_ids TEXT NOT NULL,             -- JSON array
  message_ids TEXT NOT NULL,            -- JSON array
  into_id TEXT NOT NULL,
  count INTEGER NOT NULL
) STRICT;
