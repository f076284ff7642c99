-- FCALL crible_record: writes verdicts and what goes with them, once. Verdicts may come in chunks: they lie ready under their
-- revision, which says nothing before the last chunk makes it known; that one writes everything else in one step, because
-- a verdict that is known tells a replay that its models are written too. What goes with a verdict comes in the verdict's
-- chunk and waits in memory for the last one, so that this is not the longest by far.
-- KEYS[1]: fences, then one key per model; every other key is numbered by the arguments.
-- ARGS[1]: msgpack [spans [[input, prev, end, epoch]], number of verdicts in this chunk, tag prefix, chain [token, index,
-- last]]; then a msgpack list per verdict, then, in the last chunk, one blob per model:
--   1 span | 2 offset | 3 memo key | 4 verdict key | 5 revision | 6 blob | 7 seconds to keep
--   8 hash writes [[key, seconds, field, value, ...]] | 9 hash deletes [[key, field, ...]]
-- Answers the blob that stands for each verdict; nil where the offset was recorded so long ago that it is forgotten.

local function stored_verdict(entry, keys)
  local revision = call('HGET', keys[entry[3]], 'r' .. format('%.0f', entry[2]))
  return revision and call('HGET', keys[entry[4]], revision)
end

-- What waits for the last chunk: the numbers of keys, which mean those of this call, become keys.
local function by_name(entry, keys)
  entry[3], entry[4] = keys[entry[3]], keys[entry[4]]
  for i = 1, #entry[8] do entry[8][i][1] = keys[entry[8][i][1]] end
  for i = 1, #entry[9] do entry[9][i][1] = keys[entry[9][i][1]] end
  return entry
end

local function make_known(entry)
  local verdict, revision = entry[4], entry[5]
  if revision == 0 then
    call('HSETNX', verdict, 'last', 0)
  elseif revision > tonumber(call('HGET', verdict, 'last') or '-1') then
    call('HSET', verdict, 'last', revision)
  end
  for i = 1, #entry[8] do
    local change = entry[8][i]
    call('HSET', change[1], unpack(change, 3))
    if change[2] > 0 then call('EXPIRE', change[1], change[2]) end
  end
  for i = 1, #entry[9] do call('HDEL', unpack(entry[9][i])) end
end

-- The revision of each offset, by memo block.
local function write_marks(entries)
  local blocks = {}
  for i = 1, #entries do
    local entry = entries[i]
    local block = blocks[entry[3]]
    if not block then
      block = {}
      blocks[entry[3]] = block
    end
    block[#block + 1] = 'r' .. format('%.0f', entry[2])
    block[#block + 1] = entry[5]
  end
  for block, marks in pairs(blocks) do call('HSET', block, unpack(marks)) end
end

local function record(keys, args)
  bind()
  local header = decode(args[1])
  local spans, count, chain = header[1], header[2], header[4]
  local fences, chain_name = keys[1], header[3] .. 'r' .. (spans[1] and spans[1][1] or '')
  local found = check_spans(fences, spans, 'r|')
  local entries = check_chain(chain_name, chain, found) or {}
  local fresh = #spans == 0
  for i = 1, #spans do fresh = fresh or spans[i][3] > found[i] end
  local answers, writes, staged = {}, {}, {}
  for i = 1, count do
    local entry = decode(args[i + 1])
    if entry[2] <= found[entry[1]] then
      answers[i] = stored_verdict(entry, keys)
    else
      by_name(entry, keys)
      local verdict, revision = entry[4], format('%.0f', entry[5])
      local name = verdict .. ' ' .. revision
      local standing = staged[name] or call('HGET', verdict, revision)
      answers[i] = standing or entry[6]
      staged[name] = answers[i]
      if not standing then writes[#writes + 1] = {verdict, revision, entry[6], entry[7]} end
      entry[6] = false -- not to be kept
      entries[#entries + 1] = entry
    end
  end
  for i = 1, #writes do
    local write = writes[i]
    call('HSET', write[1], write[2], write[3])
    call('EXPIRE', write[1], write[4])
  end
  if chain[3] then
    write_marks(entries)
    for i = 1, #entries do make_known(entries[i]) end
    if fresh then
      for i = count + 2, #args do call('SET', keys[i - count], args[i], 'EX', MODEL_TTL) end
    end
    move_fences(fences, spans, found, 'r|')
  end
  chunk_done(chain_name, chain, entries)
  return answers
end
export('record', record)

-- FCALL crible_advance: the fold of one input writes its models and moves its fence, when nobody did before.
-- KEYS[1]: fences, then one key per model. ARGS: msgpack [[input, prev, end, epoch]], then one blob per model.
-- Answers 1, or 0 where the fence already stands at the end or beyond.
local function fold(keys, args)
  bind()
  local spans = decode(args[1])
  local found = check_spans(keys[1], spans, 'r|')
  if found[1] >= spans[1][3] then return 0 end
  if found[1] ~= spans[1][2] then refuse('GAP', '0 ' .. format('%.0f', found[1])) end
  for i = 2, #keys do call('SET', keys[i], args[i], 'EX', MODEL_TTL) end
  move_fences(keys[1], spans, found, 'r|')
  return 1
end
export('advance', fold)
