-- What an event did to the state, kept under its reference so that it can be taken out exactly.
--
--   version byte, state: L applied, C cancelled, T cancelled before it came (nothing follows a T)
--   content hash (16), crc of the input (uint32), offset (double); then as the client packed it: lengths of identity and
--   beneficiary (uint16 each), identity, beneficiary, effects (msgpack [code, short key, ...]; absent when cancelled)
-- A short key is one without the tag, and without the beneficiary where it ends with it.
local HEAD_OF_EVENT = 31 -- first byte of what the client packed

local function event_value(state, entry, span, told)
  return VERSION_BYTE .. state .. entry[3] .. pack('<I4d', span[5], entry[2]) .. told
end

-- Beneficiary and effects of what the client packed, which begins at byte `from`; and where the effects begin.
local function told_of(value, from)
  local identity, beneficiary = unpack_at('<I2I2', value, from)
  local at = from + 4 + identity
  local effects = at + beneficiary
  return sub(value, at, effects - 1), decode(sub(value, effects)), effects
end

-- Applies one op of an event under its key. Returns its answer.
local function apply(op, key, keys)
  local code = op[1]
  if code == 1 then
    return append(key, op[3], op[4], op[5], op[6], op[7])
  elseif code == 2 then
    return register(key, op[3], op[4], op[5])
  elseif code == 3 then
    return tile_in(key, keys[op[3]], op[4], op[5], op[6], op[7], op[8])
  elseif code == 4 then
    return sheet(key, op[3], op[4], op[5], 1)
  elseif code == 5 then
    return count(key, keys[op[3]], op[4], 1, op[5])
  end
  refuse('FORMAT', 'op ' .. tostring(code))
end

local function take_back(effect, ref, tag, beneficiary, age)
  local short = effect[2]
  local key = tag .. short
  if #short == 2 then key = key .. beneficiary end
  local code = effect[1]
  if code == 1 then
    take_out(key, ref, effect[3], effect[4], age)
  elseif code == 3 then
    tile_out(key, tag .. 'n:' .. short, effect[3], effect[4], effect[5], effect[6], effect[7], age)
  elseif code == 4 then
    sheet(key, effect[3], effect[4], effect[5], -1, age)
  elseif code == 5 then
    count(key, key, effect[3], -1, effect[4], age)
  end
end

local function take_all_back(effects, ref, tag, beneficiary, age)
  for i = #effects, 1, -1 do take_back(effects[i], ref, tag, beneficiary, age) end
end

-- Undoes an event, or leaves a tombstone for one that has not come yet. Doing it twice changes nothing.
local function undo(key, ref, tag)
  local stored = load(key)
  if not stored then
    store(key, VERSION_BYTE .. 'T', EVENT_TTL)
    return
  end
  if sub(stored, 2, 2) ~= 'L' then return end
  local age = age_of(key)
  local who, effects, at = told_of(stored, HEAD_OF_EVENT)
  take_all_back(effects, ref, tag, who, age)
  store(key, VERSION_BYTE .. 'C' .. sub(stored, 3, at - 1), EVENT_TTL)
end

-- What is known of an event: 1 new, 2 the same again, 3 another content under its id; and whether `entry` is the
-- very offset that applied it.
local function known(stored, entry, span)
  if not stored or sub(stored, 2, 2) == 'T' then return 1, false end
  if sub(stored, 3, 18) ~= entry[3] then return 3, false end
  local crc, offset = unpack_at('<I4d', stored, 19)
  return 2, crc == span[5] and offset == entry[2]
end

-- Applies the ops of a new event, all of them or, when it was cancelled beforehand, none. Answers the results.
local function perform(entry, span, keys, tag)
  local event_key, ops = keys[entry[5]], entry[12] -- no key: nil
  local stored = event_key and load(event_key)
  for i = 1, #entry[9] do undo(keys[entry[9][i]], entry[10], tag) end
  local results = {}
  for i = 1, #ops do results[i] = apply(ops[i], keys[ops[i][2]], keys) or false end
  if stored then -- a tombstone: answered as if it had been applied, and nothing of it stays
    local who, effects, at = told_of(entry[7], 1)
    take_all_back(effects, entry[6], tag, who, 0)
    store(event_key, event_value('C', entry, span, sub(entry[7], 1, at - 1)), EVENT_TTL)
  elseif event_key then
    store(event_key, event_value('L', entry, span, entry[7]), EVENT_TTL)
  end
  return results
end
