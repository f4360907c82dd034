CREATE TABLE chat_spending(
  day TEXT PRIMARY KEY,                 -- UTC, 2026-11-25
  tokens INTEGER NOT NULL               -- read and written by all chat models
) STRICT, WITHOUT ROWID;
