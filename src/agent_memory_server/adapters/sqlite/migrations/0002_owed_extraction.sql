-- What extraction owes is read from the state: the messages it has not read, and since when a session has some.
ALTER TABLE sessions ADD COLUMN owed_since REAL;  -- when the first message was stored that extraction has not read
CREATE INDEX messages_unextracted ON messages(sid, position) WHERE extracted = 0;
UPDATE sessions SET owed_since = updated_at
  WHERE EXISTS (SELECT 1 FROM messages WHERE messages.sid = sessions.sid AND extracted = 0);
CREATE INDEX sessions_owed ON sessions(owed_since, namespace, user_id, session_id) WHERE owed_since IS NOT NULL;
