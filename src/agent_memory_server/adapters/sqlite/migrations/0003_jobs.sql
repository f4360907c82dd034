-- Background work. One row per kind, key and state: waiting (0), running (1), given up (2).
CREATE TABLE jobs(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  key TEXT NOT NULL,
  arguments TEXT NOT NULL,              -- JSON object of strings
  exclusion TEXT NOT NULL,              -- its group: jobs of one never run at the same time; '' is none
  state INTEGER NOT NULL,
  due REAL NOT NULL,                    -- waiting: when to run; running: end of the lease; given up: when
  first_due REAL NOT NULL,              -- the time asked for first, which bounds how long it may be postponed
  lease INTEGER NOT NULL DEFAULT 0,     -- number of the claim that runs it; grows with each
  attempts INTEGER NOT NULL DEFAULT 0,
  failures INTEGER NOT NULL DEFAULT 0,  -- in a row
  failing_since REAL,
  error TEXT NOT NULL DEFAULT '',
  UNIQUE(kind, key, state)
) STRICT;
CREATE INDEX jobs_due ON jobs(due) WHERE state < 2;
CREATE INDEX jobs_running ON jobs(exclusion) WHERE state = 1 AND exclusion <> '';
