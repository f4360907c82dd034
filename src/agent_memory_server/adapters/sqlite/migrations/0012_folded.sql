-- Messages that a session's summary took the place of: they do not come back when a client sends them again.
CREATE TABLE folded(
  sid INTEGER NOT NULL REFERENCES sessions(sid) ON DELETE CASCADE,
  id TEXT NOT NULL,
  digest BLOB NOT NULL,                 -- of role and content
  PRIMARY KEY(sid, id)
) STRICT, WITHOUT ROWID;
