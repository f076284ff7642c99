-- FCALL crible_record: writes verdicts and what goes with them, once. Verdicts may come in chunks: they lie ready under their
-- revision, which says nothing before the last chunk makes it known; that one writes everything else in one step, because
-- a verdict that is known tells a replay that its models are written too.
-- KEYS[1]: fences; every other key is numbered by the arguments.
-- ARGS[1]: msgpack [spans [[input, prev, end, epoch]], models [[key, blob]], number of verdicts in this chunk, tag prefix,
-- chain [token, index, last]]; then a msgpack list per verdict, then, in the last chunk, a list per entry of the batch:
--   verdict 1 span | 2 offset | 3 memo key | 4 verdict key | 5 revision | 6 blob | 7 seconds to keep
--   entry   1 span | 2 offset | 3 memo key | 4 verdict key | 5 revision
--     6 hash writes [[key, seconds, field, value, ...]] | 7 hash deletes [[key, field, ...]]
-- Answers the blob that stands for each verdict; nil where the offset was recorded so long ago that it is forgotten.

local function stored_verdict(entry, keys)
  local revision = call('HGET', keys[entry[3]], 'r' .. format('%.0f', entry[2]))
  return revision and call('HGET', keys[entry[4]], revision)
end

local function write_hashes(entry, keys)
  for i = 1, #entry[6] do
    local change = entry[6][i]
    local key = keys[change[1]]
    call('HSET', key, unpack(change, 3))
    if change[2] > 0 then call('EXPIRE', key, change[2]) end
  end
  for i = 1, #entry[7] do call('HDEL', keys[entry[7][i][1]], unpack(entry[7][i], 2)) end
end

-- The last revision of each verdict as these entries leave it, and the revision of each offset by memo block.
local function revisions(entries, keys)
  local last, blocks = {}, {}
  for i = 1, #entries do
    local entry = entries[i]
    local key, block = entry[4], blocks[entry[3]]
    if not last[key] then last[key] = tonumber(call('HGET', keys[key], 'last') or '-1') end
    last[key] = max(last[key], entry[5])
    if not block then
      block = {}
      blocks[entry[3]] = block
    end
    block[#block + 1] = 'r' .. format('%.0f', entry[2])
    block[#block + 1] = format('%.0f', entry[5])
  end
  return last, blocks
end

local function record(keys, args)
  bind()
  local header = decode(args[1])
  local spans, models, count, chain = header[1], header[2], header[3], header[5]
  local fences, chain_name = keys[1], header[4] .. 'r' .. (spans[1] and spans[1][1] or '')
  local found = check_spans(fences, spans, 'r|')
  check_chain(chain_name, chain, found)
  local fresh = #spans == 0
  for i = 1, #spans do fresh = fresh or spans[i][3] > found[i] end
  local answers, writes, staged, entries = {}, {}, {}, {}
  for i = 1, count do
    local entry = decode(args[i + 1])
    if entry[2] <= found[entry[1]] then
      answers[i] = stored_verdict(entry, keys)
    else
      local revision = format('%.0f', entry[5])
      local name = entry[4] .. ' ' .. revision
      local standing = staged[name] or call('HGET', keys[entry[4]], revision)
      answers[i] = standing or entry[6]
      staged[name] = answers[i]
      if not standing then writes[#writes + 1] = {keys[entry[4]], revision, entry[6], entry[7]} end
    end
  end
  for i = count + 2, #args do
    local entry = decode(args[i])
    if entry[2] > found[entry[1]] then entries[#entries + 1] = entry end
  end
  local last, blocks = revisions(entries, keys)
  for i = 1, #writes do
    local write = writes[i]
    call('HSET', write[1], write[2], write[3])
    call('EXPIRE', write[1], write[4])
  end
  if chain[3] then
    for key, revision in pairs(last) do call('HSET', keys[key], 'last', format('%.0f', revision)) end
    for block, marks in pairs(blocks) do call('HSET', keys[block], unpack(marks)) end
    for i = 1, #entries do write_hashes(entries[i], keys) end
    if fresh then
      for i = 1, #models do call('SET', keys[models[i][1]], models[i][2], 'EX', MODEL_TTL) end
    end
    move_fences(fences, spans, found, 'r|')
  end
  chunk_done(chain_name, chain)
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
