-- Lists a session of a rollout as under way. One that finds no room is never counted.
-- KEYS: the sessions under way, by when they expire, in ms.
-- ARGV: the session, as version:id; ms until it expires; the most that are listed; ms to keep all.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return 1
