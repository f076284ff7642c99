-- What an event did to the state, kept under its reference so that it can be taken out exactly.
--
--   version byte, state: L applied, C cancelled, T cancelled before it came (nothing follows a T)
--   content hash (16), crc of the input (uint32), offset (double), lengths of identity and beneficiary (uint16 each),
--   identity, beneficiary, effects (msgpack; absent when cancelled)
local HEAD_OF_EVENT = 35 -- first byte after the fixed part

local function event_value(state, entry, span, effects)
  return VERSION_BYTE .. state .. entry[3] .. pack('<I4dI2I2', span[5], entry[2], #entry[7], #entry[8])
    .. entry[7] .. entry[8] .. effects
end

-- Keys are kept without the tag, and without the beneficiary where they end with it.
local function shorten(key, prefix, beneficiary)
  if beneficiary ~= '' and sub(key, prefix + 3) == beneficiary then return sub(key, prefix + 1, prefix + 2) end
  return sub(key, prefix + 1)
end

-- Applies one op of an event under its key. Returns its answer and the effect to keep (nil: nothing to undo).
local function apply(op, key, short, keys)
  local code = op[1]
  if code == 1 then
    local answer = append(key, op[3], op[4], op[5], op[6], op[7])
    if #op[3] > 0 then return answer, {1, short, op[4], op[7]} end
    return answer
  elseif code == 2 then
    return register(key, op[3], op[4], op[5])
  elseif code == 3 then
    local answer = tile_in(key, keys[op[3]], op[4], op[5], op[6], op[7], op[8])
    return answer, {3, short, op[4], op[5], op[6], op[7], op[8]}
  elseif code == 4 then
    return sheet(key, op[3], op[4], op[5], 1), {4, short, op[3], op[4], op[5]}
  elseif code == 5 then
    return count(key, keys[op[3]], op[4], 1, op[5]), {5, short, op[4], op[5]}
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
  local identity, beneficiary = unpack_at('<I2I2', stored, HEAD_OF_EVENT - 4)
  local at = HEAD_OF_EVENT + identity
  local who = sub(stored, at, at + beneficiary - 1)
  at = at + beneficiary
  take_all_back(decode(sub(stored, at)), ref, tag, who, age)
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

-- Applies the ops of a new event, all of them or, when it was cancelled beforehand, none. Answers the results and the
-- short keys they belong to: a replay may ask for other ops, when a referential has changed in between.
local function perform(entry, span, keys, prefix, tag)
  local stored = entry[5] > 0 and load(keys[entry[5]])
  for i = 1, #entry[9] do undo(keys[entry[9][i]], entry[10], tag) end
  local results, effects, names = {}, {}, {}
  for i = 1, #entry[12] do
    local key = keys[entry[12][i][2]]
    names[i] = shorten(key, prefix, entry[8])
    local answer, effect = apply(entry[12][i], key, names[i], keys)
    results[i] = answer or false
    if effect then effects[#effects + 1] = effect end
  end
  if entry[5] > 0 then
    local key = keys[entry[5]]
    if stored then -- a tombstone: answered as if it had been applied, and nothing of it stays
      take_all_back(effects, entry[6], tag, entry[8], 0)
      store(key, event_value('C', entry, span, ''), EVENT_TTL)
    else
      store(key, event_value('L', entry, span, encode(effects)), EVENT_TTL)
    end
  end
  return results, names
end
