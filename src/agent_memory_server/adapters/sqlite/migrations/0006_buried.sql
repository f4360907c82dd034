-- What deleted memories were, without their texts: digests by which an extraction knows what it must not bring back.
CREATE TABLE buried(
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  source BLOB NOT NULL,                 -- SHA-256 of the place and the source message
  exact BLOB NOT NULL,                  -- SHA-256 of numbers and negations
  words BLOB NOT NULL,                  -- a 16-bit code for each different word, ascending
  UNIQUE(source, exact, words)
) STRICT;
