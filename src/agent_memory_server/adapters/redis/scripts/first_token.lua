-- Store a token if there is none at all; whether it is stored.
-- KEYS: the tokens. ARGV: the digest of the token, and what is stored under it.
if redis.call('HLEN', KEYS[1]) == 0 then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
end
return redis.call('HEXISTS', KEYS[1], ARGV[1])
