-- What chat models decided, so that no question is asked twice. Neither column can be read without the texts.
CREATE TABLE decisions(
  digest BLOB PRIMARY KEY,              -- SHA-256 of the question
  said BLOB NOT NULL,                   -- the answer, sealed with the texts that the question was about
  n INTEGER NOT NULL                    -- numbers the stored answers: the oldest go first
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_n ON decisions(n);
