-- Drops effects that are told, unless a later turn has put others in their place.
-- KEYS: the session. Told: the effects, as they were read.
if redis.call('HGET', KEYS[1], 'e') == cmsgpack.unpack(ARGV[1])[1] then redis.call('HDEL', KEYS[1], 'e') end
return 1
