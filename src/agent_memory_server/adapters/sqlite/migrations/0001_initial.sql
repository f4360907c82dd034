-- Row ids cluster: rid = scope << 24 | local. One scope is one (namespace, user); the scopes of a namespace are
-- allocated from blocks of consecutive numbers, so a user is one range of row ids and a namespace a few ranges.
CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE blocks(
  start INTEGER PRIMARY KEY,            -- first scope number
  size INTEGER NOT NULL,                -- scope numbers in the block; each further block of a namespace is twice as large
  used INTEGER NOT NULL,                -- scope numbers handed out
  records INTEGER NOT NULL DEFAULT 0,   -- sums of its scopes, so a wide search needs no walk over the users
  words INTEGER NOT NULL DEFAULT 0,
  namespace TEXT NOT NULL
) STRICT;
CREATE INDEX blocks_namespace ON blocks(namespace);

CREATE TABLE scopes(
  scope INTEGER PRIMARY KEY,
  namespace TEXT NOT NULL,
  user_id TEXT NOT NULL,
  part INTEGER NOT NULL DEFAULT 0,      -- a further scope of the same user, when 2^24 local numbers are used up
  next_local INTEGER NOT NULL DEFAULT 1,  -- local numbers are never used again
  records INTEGER NOT NULL DEFAULT 0,   -- stored records now
  words INTEGER NOT NULL DEFAULT 0,     -- sum of their lengths in words, for the mean length of a scope
  UNIQUE(namespace, user_id, part)
) STRICT;
CREATE INDEX scopes_user ON scopes(user_id);

CREATE TABLE memories(
  rid INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session_id TEXT NOT NULL,
  memory_type TEXT NOT NULL,
  extraction_strategy TEXT NOT NULL,
  pinned INTEGER NOT NULL,
  embedded INTEGER NOT NULL,            -- 1: vecs and sketch have this rid
  extracted INTEGER NOT NULL,           -- discrete_memory_extracted
  revision INTEGER NOT NULL,
  access_count INTEGER NOT NULL,
  created_at REAL NOT NULL,             -- times: Unix seconds
  updated_at REAL NOT NULL,
  last_accessed REAL NOT NULL,
  persisted_at REAL,
  event_date REAL,
  memory_hash TEXT NOT NULL,
  text TEXT NOT NULL,
  topics TEXT,                          -- JSON list, NULL when empty
  entities TEXT,
  extracted_from TEXT,
  strategy_config TEXT,                 -- JSON object, NULL when empty
  metadata TEXT,
  seq INTEGER NOT NULL                  -- number of the commit that last changed text, words, vector or place
) STRICT;
CREATE INDEX memories_seq ON memories(seq);
CREATE INDEX memories_session ON memories(session_id) WHERE session_id <> '';
CREATE INDEX memories_type ON memories(memory_type);
CREATE INDEX memories_hash ON memories(memory_hash);
CREATE INDEX memories_created ON memories(created_at);
CREATE INDEX memories_event ON memories(event_date) WHERE event_date IS NOT NULL;
CREATE INDEX memories_owed ON memories(rid) WHERE embedded = 0;

CREATE TABLE tags(kind INTEGER NOT NULL, tag TEXT NOT NULL, rid INTEGER NOT NULL,  -- kind 1 topic, 2 entity
  PRIMARY KEY(kind, tag, rid)) STRICT, WITHOUT ROWID;

CREATE TABLE vecs(rid INTEGER PRIMARY KEY, v BLOB NOT NULL) STRICT;      -- float32 little-endian, unit length
CREATE TABLE sketch(rid INTEGER PRIMARY KEY, b BLOB NOT NULL) STRICT;    -- sign bits of v, numpy.packbits order
CREATE TABLE words(rid INTEGER PRIMARY KEY, w BLOB NOT NULL) STRICT;     -- uint32 little-endian word codes in text order
CREATE VIRTUAL TABLE fts USING fts5(w, content='', contentless_delete=1, tokenize='ascii');  -- stemmed words, space-separated
CREATE VIRTUAL TABLE fts_words USING fts5vocab(fts, row);

CREATE TABLE tombstones(seq INTEGER NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY(seq, rid)) STRICT, WITHOUT ROWID;

CREATE TABLE sessions(
  sid INTEGER PRIMARY KEY AUTOINCREMENT,
  namespace TEXT NOT NULL,
  user_id TEXT NOT NULL,
  session_id TEXT NOT NULL,
  revision INTEGER NOT NULL,
  message_count INTEGER NOT NULL,
  next_position INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  context TEXT,
  data TEXT,                            -- JSON object, NULL when never set
  memories TEXT NOT NULL,               -- JSON list of structured memories
  strategy TEXT NOT NULL,
  strategy_config TEXT NOT NULL,
  ttl_seconds INTEGER,
  expires_at REAL,
  created_at REAL NOT NULL,
  updated_at REAL NOT NULL,
  last_accessed REAL NOT NULL,
  UNIQUE(namespace, user_id, session_id)
) STRICT;
CREATE INDEX sessions_id ON sessions(session_id);
CREATE INDEX sessions_expiry ON sessions(expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE messages(
  sid INTEGER NOT NULL REFERENCES sessions(sid) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  id TEXT NOT NULL,
  role TEXT NOT NULL,
  content TEXT NOT NULL,
  created_at REAL NOT NULL,
  persisted_at REAL,
  extracted INTEGER NOT NULL,
  PRIMARY KEY(sid, position),
  UNIQUE(sid, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_time ON messages(sid, created_at);  -- the latest messages of a long session

CREATE TABLE tokens(
  digest TEXT PRIMARY KEY,
  description TEXT NOT NULL,
  created_at REAL NOT NULL,
  expires_at REAL,
  namespaces TEXT,                      -- JSON list, NULL: every one
  users TEXT,
  actions TEXT NOT NULL                 -- JSON list
) STRICT, WITHOUT ROWID;

CREATE TABLE answers(
  subject TEXT NOT NULL, key TEXT NOT NULL, request_digest TEXT NOT NULL, status INTEGER NOT NULL,
  body BLOB NOT NULL, headers TEXT NOT NULL, expires_at REAL NOT NULL,
  PRIMARY KEY(subject, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answers_expiry ON answers(expires_at);

CREATE TABLE vector_cache(model TEXT NOT NULL, digest BLOB NOT NULL, v BLOB NOT NULL, used INTEGER NOT NULL,
  PRIMARY KEY(model, digest)) STRICT, WITHOUT ROWID;
CREATE INDEX vector_cache_used ON vector_cache(used);
