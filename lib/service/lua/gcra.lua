-- GCRA: one value a key, the time (ms) at which its bucket will be full again ("theoretical arrival time").
-- KEYS the limited subjects, each under its own policy: ARGV[3i-2] burst, ARGV[3i-1] the period in ms in which it refills,
-- ARGV[3i] for how long (ms) a refusal shuts it, 0: not. A key that is shut holds "shut " and the time until when.
-- Answers {allowed 0 or 1, remaining, retry after (ms), full again after (ms)} of each in turn. Nothing is taken from any
-- bucket unless all allow it. Redis TIME is the only clock.
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local answer, taken, all = {}, {}, true

for i, key in ipairs(KEYS) do
    local burst, period, block = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
    local interval = period / burst
    local stored = redis.call('GET', key)
    local shut_until = stored and tonumber(string.match(stored, '^shut (.+)$'))
    local shut = shut_until and math.min(shut_until - now, block) or 0
    local full_at = not shut_until and tonumber(stored) or now
    -- A clock that went back (failover) must not lock anybody out for longer than a period.
    full_at = math.min(math.max(full_at, now), now + period)

    local next_full_at = full_at + interval
    local wait = next_full_at - period - now
    local at = 4 * (i - 1)
    if shut <= 0 and wait > 0.001 and block > 0 then
        shut = block
        redis.call('SET', key, string.format('shut %.3f', now + block), 'PX', block)
    end
    if shut > 0 then
        all = false
        answer[at + 1], answer[at + 2], answer[at + 3], answer[at + 4] = 0, 0, math.ceil(shut), math.ceil(shut)
    elseif wait > 0.001 then
        all = false
        answer[at + 1], answer[at + 2], answer[at + 3], answer[at + 4] = 0, 0, math.ceil(wait), math.ceil(full_at - now)
    else
        local remaining = math.floor((period - (next_full_at - now)) / interval + 0.001)
        answer[at + 1], answer[at + 2], answer[at + 3], answer[at + 4] = 1, remaining, 0, math.ceil(next_full_at - now)
        taken[i] = next_full_at
    end
end

if all then
    for i, key in ipairs(KEYS) do
        -- Written out, because a number turned to text by Lua keeps only 14 digits.
        redis.call('SET', key, string.format('%.3f', taken[i]), 'PX', math.ceil(taken[i] - now))
    end
end
return answer
