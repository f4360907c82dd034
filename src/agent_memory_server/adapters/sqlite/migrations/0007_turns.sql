-- The turns beside a message: those of its scope (rid >> 24) and session, by time. Needed where a selection is too wide
-- to be held in memory.
CREATE INDEX memories_turns ON memories(rid >> 24, session_id, created_at) WHERE memory_type = 'message';
