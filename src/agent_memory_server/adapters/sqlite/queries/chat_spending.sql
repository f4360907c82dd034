-- name: spent
SELECT tokens FROM chat_spending WHERE day = ?

-- name: add
INSERT INTO chat_spending(day, tokens) VALUES (?, ?)
ON CONFLICT(day) DO UPDATE SET tokens = tokens + excluded.tokens
RETURNING tokens

-- name: drop_before
DELETE FROM chat_spending WHERE day < date(?, '-31 days')
