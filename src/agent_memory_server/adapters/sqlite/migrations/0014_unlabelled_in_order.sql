-- By order of change instead of place: new records of many users go to its end, not to a page for each user.
DROP INDEX memories_unlabelled;
CREATE INDEX memories_unlabelled ON memories(seq) WHERE labelled = 0;
