-- Keeps a claim for longer, or gives it back.
-- KEYS: the session. Told: owner, ms from now, or 0 to give it back.
-- Returns 1, or 0 where the claim is somebody else's by now.
local owner, claim = unpack(cmsgpack.unpack(ARGV[1]))
if redis.call('HGET', KEYS[1], 'owner') ~= owner then return 0 end
if claim == 0 then
  redis.call('HDEL', KEYS[1], 'owner', 'until')
else
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  redis.call('HSET', KEYS[1], 'until', now + claim)
end
return 1
