-- Lists a session of a rollout as under way. One that finds no room is never counted.
-- KEYS: the sessions under way, by when they expire, in ms.
-- Told: the session, as version:id; ms until it expires; the most that are listed; ms to keep all.
local session, lasts, most, kept = unpack(cmsgpack.unpack(ARGV[1]))
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if redis.call('ZCARD', KEYS[1]) < most then
  redis.call('ZADD', KEYS[1], now + lasts, session)
  redis.call('PEXPIRE', KEYS[1], kept)
end
return 1
