-- KEYS[1] a pointer; ARGV[1] its new bytes, which begin with the generation in ARGV[2] digits.
-- Answers {1, the bytes before or ''}, or {0, the bytes that stay} where they are newer.
local stored = redis.call('GET', KEYS[1]) or ''
local digits = tonumber(ARGV[2])
if string.sub(stored, 1, digits) > string.sub(ARGV[1], 1, digits) then
  return {0, stored}
end
redis.call('SET', KEYS[1], ARGV[1])
return {1, stored}
