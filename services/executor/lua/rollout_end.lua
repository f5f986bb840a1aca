-- Counts the end of a session of a rollout, once, and those that have expired without one; then says
-- whether a version does worse than the baseline by more than it may.
-- KEYS: the figures, the sessions under way, by when they expire, in ms.
-- Told: the session, as version:id; whether it succeeded; baseline; margin; how many sessions of each
--       version have to have ended; the most that expire at a time; ms to keep all; ms for which
--       what was said is not said again.
-- Returns {1 if the session counted, {versions of the expired}, {version, its succeeded, its ended,
--         the baseline's succeeded, the baseline's ended} or {}}.
local its_session, won, baseline, margin, least, most, kept, silence =
  unpack(cmsgpack.unpack(ARGV[1]))
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function leave(session)
  local version = string.match(session, '^%d+')
  redis.call('ZREM', KEYS[2], session)
  redis.call('HINCRBY', KEYS[1], 'ended:' .. version, 1)
  return version
end

local expired = {}
local late = redis.call('ZRANGE', KEYS[2], '-inf', now, 'BYSCORE', 'LIMIT', 0, most)
for i, session in ipairs(late) do expired[i] = tonumber(leave(session)) end

-- Not listed, it is counted already, or there was no room for it.
local counted = redis.call('ZSCORE', KEYS[2], its_session)
if counted then
  local version = leave(its_session)
  if won then redis.call('HINCRBY', KEYS[1], 'succeeded:' .. version, 1) end
end
redis.call('PEXPIRE', KEYS[1], kept)

local figures, stored = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do figures[stored[i]] = tonumber(stored[i + 1]) end
local ended = figures['ended:' .. baseline] or 0
local succeeded = figures['succeeded:' .. baseline] or 0
local worst, verdict = succeeded / math.max(ended, 1) - margin, {}
if ended >= least and now - (figures.said or 0) >= silence then
  for name, its_ended in pairs(figures) do
    local version = string.match(name, '^ended:(%d+)$')
    if version and version ~= baseline and its_ended >= least then
      local its_succeeded = figures['succeeded:' .. version] or 0
      if its_succeeded / its_ended < worst then
        worst = its_succeeded / its_ended
        verdict = {tonumber(version), its_succeeded, its_ended, succeeded, ended}
      end
    end
  end
end
if #verdict > 0 then redis.call('HSET', KEYS[1], 'said', now) end
return {counted and 1 or 0, expired, verdict}
