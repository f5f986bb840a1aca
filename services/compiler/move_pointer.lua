-- KEYS: a pointer. Told: its new bytes, and in how many digits, with which they begin, is its
-- generation.
-- Answers {1, the bytes before or ''}, or {0, the bytes that stay} where they are newer.
local pointer, digits = unpack(cmsgpack.unpack(ARGV[1]))
local stored = redis.call('GET', KEYS[1]) or ''
if string.sub(stored, 1, digits) > string.sub(pointer, 1, digits) then
  return {0, stored}
end
redis.call('SET', KEYS[1], pointer)
return {1, stored}
