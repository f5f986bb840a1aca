-- Keeps a claim for longer, or gives it back.
-- KEYS: the session. ARGV: owner, ms from now, or 0 to give it back.
-- Returns 1, or 0 where the claim is somebody else's by now.
if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then
  redis.call('HDEL', KEYS[1], 'owner', 'until')
else
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  redis.call('HSET', KEYS[1], 'until', now + ARGV[2])
end
return 1
