-- Processes that do background work, and when they were seen last.
CREATE TABLE workers(name TEXT PRIMARY KEY, seen_at REAL NOT NULL) STRICT, WITHOUT ROWID;
