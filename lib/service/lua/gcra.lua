-- GCRA: one value a key, the time (ms) at which its bucket will be full again ("theoretical arrival time").
-- KEYS[1] the limited subject. ARGV[1] burst, ARGV[2] the period in ms in which a burst refills.
-- Answers {allowed 0 or 1, remaining, retry after (ms), full again after (ms)}. Redis TIME is the only clock.
local burst, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local interval = period / burst
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000

local full_at = tonumber(redis.call('GET', KEYS[1])) or now
-- A clock that went back (failover) must not lock anybody out for longer than a period.
full_at = math.min(math.max(full_at, now), now + period)

local next_full_at = full_at + interval
local wait = next_full_at - period - now
if wait > 0.001 then
    return {0, 0, math.ceil(wait), math.ceil(full_at - now)}
end

-- Written out, because a number turned to text by Lua keeps only 14 digits.
redis.call('SET', KEYS[1], string.format('%.3f', next_full_at), 'PX', math.ceil(next_full_at - now))
local remaining = math.floor((period - (next_full_at - now)) / interval + 0.001)
return {1, remaining, 0, math.ceil(next_full_at - now)}
