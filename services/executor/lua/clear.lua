-- Drops effects that are told, unless a later turn has put others in their place.
-- KEYS: the session. ARGV: the effects, as they were read.
if redis.call('HGET', KEYS[1], 'e') == ARGV[1] then redis.call('HDEL', KEYS[1], 'e') end
return 1
