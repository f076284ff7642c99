-- FCALL crible_observe: applies a chunk of a batch to one hash tag and answers what its windows say.
-- KEYS[1]: fences; every other key is numbered by the arguments (from 1; 0: none).
-- ARGS[1]: msgpack [tag prefix, lane, spans [[input, prev, end, epoch, crc]], chain [token, index, last]]; then one msgpack
-- list per event:
--   1 span | 2 offset | 3 content hash | 4 memo key | 5 event key | 6 event reference | 7 what the event record is told
--   8 labels of the ops (4 bytes each) | 9 event keys to undo | 10 reference to undo | 11 verdict key | 12 ops
--   13 reads [[kind, key]] | 14 beneficiary, where there is something to undo
-- Answers per event [status, memo, reads, recorded verdict or nil]; memo nil: nothing is remembered. Status: 0 nothing to
-- apply, 1 new, 2 the same again, 3 other content under a known id, 4 refused: it would undo another person's event.
-- A memo is a version byte, status (byte), content hash (16), number of results (uint16), their labels, their lengths
-- (uint32 each, the highest: nil), the results. Labels tell the client which of its ops a result belongs to: a replay may
-- ask for others, when a referential has changed in between.
local NO_RESULT = 4294967295
local MEMO_VERSION = '\2'
local READS = {
  function(key) return call('GET', key) end,
  function(key) return call('HGETALL', key) end,
  function(key)
    local last = call('HGET', key, 'last')
    return last and {last, call('HGET', key, last)} or false
  end,
}

local function fresh_reads(entry, keys)
  local answers = {}
  for i = 1, #entry[13] do
    local wanted = entry[13][i]
    answers[i] = READS[wanted[1]](keys[wanted[2]])
  end
  return answers
end

local function memo_of(status, entry, results)
  local count = #results
  if count == 0 then return MEMO_VERSION .. pack('<Bc16I2', status, entry[3], 0) end
  local lengths, parts = {}, {false, entry[8], false}
  for i = 1, count do
    local result = results[i]
    lengths[i] = result and #result or NO_RESULT
    parts[i + 3] = result or ''
  end
  parts[1] = MEMO_VERSION .. pack('<Bc16I2', status, entry[3], count)
  parts[3] = pack(format_of('I4', count), unpack(lengths))
  return concat(parts)
end

-- Status and memo of an offset at or below the fence.
local function remembered(entry, span, keys, tag)
  local memo = call('HGET', keys[entry[4]], format('%.0f', entry[2]))
  if memo then
    if sub(memo, 1, 1) == FORMER_MEMO then
      local content, status, results = former_memo(memo, entry, keys, tag)
      if content ~= entry[3] then refuse('LOG', (entry[1] - 1) .. ' ' .. format('%.0f', entry[2])) end
      return status, memo_of(status, entry, results)
    end
    if sub(memo, 1, 1) ~= MEMO_VERSION then refuse_version(keys[entry[4]], memo, MEMO_VERSION) end
    if sub(memo, 3, 18) ~= entry[3] then refuse('LOG', (entry[1] - 1) .. ' ' .. format('%.0f', entry[2])) end
    return byte(memo, 2), memo
  end
  if entry[5] == 0 then return 0, false end
  local status, here = known(load(keys[entry[5]]), entry, span)
  return here and 1 or status, false
end

local function recorded_verdict(entry, keys, recorded, status)
  if entry[11] == 0 then return false end
  local key, revision = keys[entry[11]], false
  if entry[2] <= recorded then
    revision = call('HGET', keys[entry[4]], 'r' .. format('%.0f', entry[2]))
  end
  if not revision and status == 2 then revision = call('HGET', key, 'last') end
  return revision and call('HGET', key, revision)
end

-- Applies one event for the first time in this lane. The home lane decides whether it is new.
local function first_time(entry, span, keys, tag, home)
  if entry[5] == 0 then return 0, perform(entry, span, keys, tag) end
  local stored = load(keys[entry[5]])
  if home then
    local status = known(stored, entry, span)
    if status ~= 1 then return status, {} end
    if meddles(entry, keys) then
      refused(entry, span, keys)
      return 4, {}
    end
  elseif stored and sub(stored, 2, 2) == 'L' then
    -- the home tag lost it and took it anew: what stands here of it goes first
    withdraw(keys[entry[5]], stored, entry[6], tag, '')
    values[keys[entry[5]]] = false
  end
  return 1, perform(entry, span, keys, tag)
end

local function observe(keys, args)
  bind()
  begin()
  local header = decode(args[1])
  local tag, lane, spans = header[1], header[2], header[3]
  local fences, home = keys[1], lane == 'h'
  local lane_field = 'o|' .. lane .. '|'
  local found = check_spans(fences, spans, lane_field)
  local chain, chain_name = header[4], tag .. lane .. (spans[1] and spans[1][1] or '')
  check_chain(chain_name, chain, found)
  local recorded = {}
  for i = 1, #spans do recorded[i] = offset_of(fences, 'r|' .. spans[i][1]) end
  local answers, memos, blocks = {}, {}, {}
  for i = 2, #args do
    local entry = decode(args[i])
    local span = spans[entry[1]]
    local status, memo
    if entry[2] <= found[entry[1]] then
      status, memo = remembered(entry, span, keys, tag)
    else
      local results
      status, results = first_time(entry, span, keys, tag, home)
      memo = memo_of(status, entry, results)
      local block = keys[entry[4]]
      local list = memos[block]
      if not list then
        list = {}
        memos[block] = list
        blocks[#blocks + 1] = block
      end
      list[#list + 1] = format('%.0f', entry[2])
      list[#list + 1] = memo
    end
    answers[i - 1] = {status, memo, fresh_reads(entry, keys), recorded_verdict(entry, keys, recorded[entry[1]], status)}
  end
  commit()
  commit_tiles()
  for i = 1, #blocks do call('HSET', blocks[i], unpack(memos[blocks[i]])) end
  move_fences(fences, spans, found, lane_field)
  chunk_done(chain_name, chain)
  return answers
end
export('observe', observe)
