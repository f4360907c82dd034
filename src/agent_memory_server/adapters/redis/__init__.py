"""The Redis engine: durable state in a Redis with the Query Engine (Redis 8, or Redis Stack 7.4)."""
