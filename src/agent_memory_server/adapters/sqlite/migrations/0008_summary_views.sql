CREATE TABLE summary_views(id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE summary_partitions(
  view_id TEXT NOT NULL REFERENCES summary_views(id) ON DELETE CASCADE,
  grouped TEXT NOT NULL,                -- JSON object of the group, keys sorted
  body TEXT NOT NULL,
  PRIMARY KEY(view_id, grouped)
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks(
  id TEXT PRIMARY KEY,
  unfinished INTEGER NOT NULL,
  expires_at REAL NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_unfinished ON tasks(id) WHERE unfinished = 1;
CREATE INDEX tasks_expiry ON tasks(expires_at);
