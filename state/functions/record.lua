-- FCALL crible_record: writes verdicts and what goes with them, once.
-- KEYS[1]: fences; every other key is numbered by the arguments.
-- ARGS[1]: msgpack [spans [[input, prev, end, epoch]], models [[key, blob]]]; then one msgpack list per entry:
--   1 span | 2 offset | 3 memo key | 4 verdict key | 5 revision | 6 blob | 7 seconds to keep
--   8 hash writes [[key, seconds, field, value, ...]] | 9 hash deletes [[key, field, ...]]
-- Answers the blob that stands for each entry; nil where the offset was recorded so long ago that it is forgotten.
local MODEL_TTL = 800 * DAY_SECONDS

local function stored_verdict(entry, keys)
  local revision = redis.call('HGET', keys[entry[3]], 'r' .. string.format('%.0f', entry[2]))
  return revision and redis.call('HGET', keys[entry[4]], revision)
end

local function write_verdict(entry, keys)
  local key, revision = keys[entry[4]], string.format('%.0f', entry[5])
  local last = tonumber(redis.call('HGET', key, 'last') or '-1')
  redis.call('HSET', key, revision, entry[6], 'last', string.format('%.0f', math.max(last, entry[5])))
  redis.call('EXPIRE', key, entry[7])
end

local function write_hashes(entry, keys)
  for i = 1, #entry[8] do
    local change = entry[8][i]
    local key = keys[change[1]]
    redis.call('HSET', key, unpack(change, 3))
    if change[2] > 0 then redis.call('EXPIRE', key, change[2]) end
  end
  for i = 1, #entry[9] do redis.call('HDEL', keys[entry[9][i][1]], unpack(entry[9][i], 2)) end
end

local function record(keys, args)
  bind()
  local header = decode(args[1])
  local spans, models, fences = header[1], header[2], keys[1]
  local found = check_spans(fences, spans, 'r|')
  local fresh = #spans == 0
  for i = 1, #spans do fresh = fresh or spans[i][3] > found[i] end
  local entries, answers, writes, staged = {}, {}, {}, {}
  for i = 2, #args do
    local entry = decode(args[i])
    entries[i - 1] = entry
    if entry[2] <= found[entry[1]] then
      answers[i - 1] = stored_verdict(entry, keys)
    else
      local name = entry[4] .. ' ' .. string.format('%.0f', entry[5])
      local standing = staged[name] or redis.call('HGET', keys[entry[4]], string.format('%.0f', entry[5]))
      answers[i - 1] = standing or entry[6]
      staged[name] = answers[i - 1]
      writes[#writes + 1] = {entry, not standing}
    end
  end
  for i = 1, #writes do
    local entry = writes[i][1]
    if writes[i][2] then write_verdict(entry, keys) end
    redis.call('HSET', keys[entry[3]], 'r' .. string.format('%.0f', entry[2]), string.format('%.0f', entry[5]))
    write_hashes(entry, keys)
  end
  if fresh then
    for i = 1, #models do redis.call('SET', keys[models[i][1]], models[i][2], 'EX', MODEL_TTL) end
  end
  move_fences(fences, spans, found, 'r|')
  return answers
end
redis.register_function('crible_record', record)

-- FCALL crible_advance: the fold of one input writes its models and moves its fence, when nobody did before.
-- KEYS[1]: fences, then one key per model. ARGS: msgpack [[input, prev, end, epoch]], then one blob per model.
-- Answers 1, or 0 where the fence already stands at the end or beyond.
local function fold(keys, args)
  bind()
  local spans = decode(args[1])
  local found = check_spans(keys[1], spans, 'r|')
  if found[1] >= spans[1][3] then return 0 end
  if found[1] ~= spans[1][2] then refuse('GAP', '0 ' .. string.format('%.0f', found[1])) end
  for i = 2, #keys do redis.call('SET', keys[i], args[i], 'EX', MODEL_TTL) end
  move_fences(keys[1], spans, found, 'r|')
  return 1
end
redis.register_function('crible_advance', fold)
