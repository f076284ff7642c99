-- What an event did to the state, kept under its reference so that it can be taken out exactly.
--
--   version byte, state: L applied, C cancelled, T cancelled before it came
--   L, C: content hash (16), crc of the input (uint32), offset (double); then as the client packed it: lengths of identity
--   and beneficiary (uint16 each), identity, beneficiary; then of an L its effects (msgpack [code, short key, ...])
--   C goes on with the reference (12) of what came in its place; T with one for each person for whom it was cancelled:
--   reference (12), mark of the person (8). Both are absent where an older version wrote the record.
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
  elseif code == 6 then
    return sums(key, op[3], op[4], op[5], 1, op[6])
  elseif code == 7 then
    return pair(key, keys[op[3]], op[4], 1, op[5])
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
  elseif code == 6 then
    sums(key, effect[3], effect[4], effect[5], -1, effect[6], age)
  elseif code == 7 then
    pair(key, key, effect[3], -1, effect[4], age)
  end
end

local function take_all_back(effects, ref, tag, beneficiary, age)
  for i = #effects, 1, -1 do take_back(effects[i], ref, tag, beneficiary, age) end
end

local function hex(ref)
  return (string.gsub(ref, '.', function(char) return format('%02x', byte(char)) end))
end

-- Who an event that came is about, and what came in its place (nil: nothing that is known).
local function fate(stored)
  local identity, beneficiary = unpack_at('<I2I2', stored, HEAD_OF_EVENT)
  local at = HEAD_OF_EVENT + 4 + identity
  local after = at + beneficiary
  local replaced = sub(stored, 2, 2) == 'C' and #stored >= after + REF - 1
  return sub(stored, at, after - 1), replaced and sub(stored, after, after + REF - 1) or nil
end

-- Whether an event is another person's. One whose person was erased is nobody's.
local function foreign(owner, who) return owner ~= '' and owner ~= who end

-- What a tombstone says to `who`: whether it waits for that person's event, and what came in its place; then what it says
-- to all others. One that an older version wrote waits for anybody's.
local MARK = 8 -- bytes by which a tombstone knows a person
local function mark_of(who)
  return (string.gsub(sub(redis.sha1hex(who), 1, 2 * MARK), '..', function(pair) return string.char(tonumber(pair, 16)) end))
end

local function waiting(stored, who)
  if #stored == 2 then return true, nil, '' end
  local wanted, mine, successor, others = mark_of(who), false, nil, {}
  for from = 3, #stored, REF + MARK do
    if sub(stored, from + REF, from + REF + MARK - 1) == wanted then
      mine, successor = true, sub(stored, from, from + REF - 1)
    else
      others[#others + 1] = sub(stored, from, from + REF + MARK - 1)
    end
  end
  return mine, successor, concat(others)
end

-- Takes the effects of an applied event out and notes what came in its place.
local function withdraw(key, stored, ref, tag, successor)
  local who, effects, at = told_of(stored, HEAD_OF_EVENT)
  take_all_back(effects, ref, tag, who, age_of(key))
  store(key, VERSION_BYTE .. 'C' .. sub(stored, 3, at - 1) .. successor, EVENT_TTL)
end

-- The line of a payment: under its own key the reference of the last event that went with it. Notes the newest one and
-- answers the one before and its key; nil where there is none. A tag in which nothing of the payment lies keeps no line.
local LINE_TTL = 200 * DAY_SECONDS -- longer than any window by arrival
local function follow_line(key, tag, successor, here)
  local stored = load(key)
  if not stored and not here then return nil end
  store(key, VERSION_BYTE .. 'T' .. successor, LINE_TTL)
  local before = stored and sub(stored, 3, 2 + REF)
  if not before then return nil end
  local record = tag .. (sub(key, #tag + 1, #tag + 1) == 'h' and 'x:' or 'y:') .. hex(before)
  if not load(record) then return nil end
  return before, record
end

-- Undoes an event of `who`, or leaves a tombstone for one that has not come yet. Where something came in its place already,
-- that goes in its stead, and so on to the end of the line: however often one original is corrected, what came last
-- stands. Another person's event stays as it is. Doing it twice changes nothing. `here`: whether the new event leaves a
-- record in this tag.
local function undo(key, ref, tag, successor, who, here)
  local kind, walked = sub(key, #tag + 1, #tag + 1), {}
  if kind == 'h' or kind == 'i' then
    ref, key = follow_line(key, tag, successor, here)
    if not ref then return end
  end
  local lead = sub(key, 1, #tag + 2)
  while ref ~= successor and not walked[ref] do
    walked[ref] = true
    local stored = load(key)
    local state, next = stored and sub(stored, 2, 2)
    if not stored or state == 'T' then
      local others = ''
      local _
      if stored then _, next, others = waiting(stored, who) end
      store(key, VERSION_BYTE .. 'T' .. others .. successor .. mark_of(who), EVENT_TTL)
    else
      local owner
      owner, next = fate(stored)
      if foreign(owner, who) then return end
      if state == 'L' then withdraw(key, stored, ref, tag, successor) return end
    end
    if not next then return end
    ref, key = next, lead .. hex(next)
  end
end

-- What is known of an event: 1 new, 2 the same again, 3 another content under its id; and whether `entry` is the
-- very offset that applied it.
local function known(stored, entry, span)
  if not stored or sub(stored, 2, 2) == 'T' then return 1, false end
  if sub(stored, 3, 18) ~= entry[3] then return 3, false end
  local crc, offset = unpack_at('<I4d', stored, 19)
  return 2, crc == span[5] and offset == entry[2]
end

-- Whether an event names one that is known to be another person's, for it to take the place of.
local function meddles(entry, keys)
  for i = 1, #entry[9] do
    local stored = load(keys[entry[9][i]])
    if stored and sub(stored, 2, 2) ~= 'T' and foreign((fate(stored)), entry[14]) then return true end
  end
  return false
end

-- Keeps an event that is refused: it did nothing, and its id is taken.
local function refused(entry, span, keys)
  local _, _, at = told_of(entry[7], 1)
  store(keys[entry[5]], event_value('C', entry, span, sub(entry[7], 1, at - 1)), EVENT_TTL)
end

-- What stands under an event's key before it comes: false, or, where it was cancelled beforehand, true and what came in
-- its place.
local function beforehand(stored, who)
  if not stored then return false end
  if sub(stored, 2, 2) ~= 'T' then
    local _, successor = fate(stored)
    return true, successor
  end
  local mine, successor = waiting(stored, who)
  return mine, successor
end

-- Applies the ops of a new event, all of them or, when it was cancelled beforehand, none. Answers the results.
local function perform(entry, span, keys, tag)
  local event_key, ops = keys[entry[5]], entry[12] -- no key: nil
  local stored = event_key and load(event_key)
  for i = 1, #entry[9] do undo(keys[entry[9][i]], entry[10], tag, entry[6], entry[14], event_key ~= nil) end
  local results = {}
  for i = 1, #ops do results[i] = apply(ops[i], keys[ops[i][2]], keys) or false end
  if not event_key then return results end
  local who, effects, at
  if stored then who, effects, at = told_of(entry[7], 1) end
  local cancelled, successor = beforehand(stored, who)
  if cancelled then -- answered as if it had been applied, and nothing of it stays
    take_all_back(effects, entry[6], tag, who, 0)
    local told = sub(entry[7], 1, at - 1) .. (successor or '')
    store(event_key, event_value('C', entry, span, told), EVENT_TTL)
  else
    store(event_key, event_value('L', entry, span, entry[7]), EVENT_TTL)
  end
  return results
end
