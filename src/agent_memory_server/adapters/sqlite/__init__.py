"""The embedded engine: one SQLite file (through apsw), FTS5, and vectors as plain BLOB rows."""
