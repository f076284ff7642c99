-- FCALL crible_forget: takes one person out of one hash tag. What others counted stays counted: where a provider's
-- window or day sheet knows the person by reference, an anonymous label takes its place, made from a secret that nobody
-- keeps, and the event's record remembers the label, so that a later correction takes out what the event put in.
-- KEYS: numbered by the arguments. ARGS[1]: msgpack [tag, secret, person, reference of the person];
-- ARGS[2]: msgpack list, numbers of keys:
--   1 events [[key, reference]] | 2 patients [key] | 3 loose records [[key, size, reference, event key, event key]]
--   4 hash fields [[key, field, ...]] | 5 keys to remove | 6 log and facts of the person, removed when nothing is left
--   7 keys to remove only where both are gone
-- Answers the number of event records that lost their name.
local function label(secret, key)
  local hex = sub(redis.sha1hex(secret .. key), 1, 16)
  return (string.gsub(hex, '..', function(pair) return string.char(tonumber(pair, 16)) end))
end

-- One effect in the person's name taken out, and put in again under the label. Nil: nothing of it stays.
local function relabel(effect, ref, tag, person, secret, age)
  local code, short = effect[1], effect[2]
  local key = tag .. short
  if #short == 2 then key = key .. person end
  if code == 1 then
    if load(key) then take_out(key, ref, effect[3], effect[4], age) end
    return nil
  elseif code == 3 then
    local ts, day, lines, amount, who = effect[3], effect[4], effect[5], effect[6], label(secret, key)
    local patients = tag .. 'n:' .. short
    if open_tile(key, patients) then
      tile_out(key, patients, ts, day, lines, amount, effect[7], age)
      tile_in(key, patients, ts, day, lines, amount, who)
    end
    return {3, short, ts, day, lines, amount, who}
  elseif code == 4 then
    local who = label(secret, key)
    if load(key) then
      sheet(key, effect[3], effect[4], effect[5], -1, age)
      sheet(key, effect[3], who, effect[5], 1)
    end
    return {4, short, effect[3], who, effect[5]}
  elseif code == 5 and sub(short, 1, 7) == 'f:from|' then -- patients from a commune, by the hex of their reference
    local who = hex(label(secret, key))
    if call('EXISTS', key) == 1 then
      count(key, key, effect[3], -1, effect[4], age)
      count(key, key, who, 1, effect[4], 0)
    end
    return {5, short, who, effect[4]}
  elseif code == 7 and sub(short, 1, 5) == 'z:lb:' then -- a liquidator and the person
    local who = label(secret, key)
    if load(key) then
      pair(key, key, effect[3], -1, effect[4], age)
      pair(key, key, who, 1, effect[4], 0)
    end
    return {7, short, who, effect[4]}
  end
  return effect
end

local function forget_event(key, ref, tag, person, secret)
  local stored = load(key)
  if not stored or sub(stored, 2, 2) == 'T' then return 0 end
  if fate(stored) ~= person then return 0 end
  local left, kept = call('TTL', key), ''
  if sub(stored, 2, 2) == 'L' then
    local _, told = told_of(stored, HEAD_OF_EVENT)
    local effects, age = {}, age_of(key)
    for _, effect in ipairs(told) do
      effects[#effects + 1] = relabel(effect, ref, tag, person, secret, age)
    end
    kept = encode(effects)
  end
  -- the record keeps its age: by it an undo knows whether what it looks for may have expired
  store(key, sub(stored, 1, 18) .. pack('<I4dI2I2', 0, -1, 0, 0) .. kept, left > 0 and left or EVENT_TTL)
  return 1
end

-- Visits that have left the ring: no undo looks for them.
local function forget_patient(patients, tag, who)
  local tile = open_tile(tag .. sub(patients, #tag + 3), patients)
  local seen = visits(field(patients, who), tile and tile.head_day or math.huge)
  if #seen > 0 then return end
  local step = put(patients, who, false, TILE_TTL)
  if tile then tile.fields = tile.fields + step end
end

local function forget(keys, args)
  bind()
  begin()
  local header, todo = decode(args[1]), decode(args[2])
  local tag, secret, person, who = header[1], header[2], header[3], header[4]
  local changed = 0
  for _, one in ipairs(todo[1]) do
    changed = changed + forget_event(keys[one[1]], one[2], tag, person, secret)
  end
  for _, one in ipairs(todo[2]) do forget_patient(keys[one], tag, who) end
  for _, one in ipairs(todo[3]) do
    if load(keys[one[1]]) and not load(keys[one[4]]) and not load(keys[one[5]]) then
      take_out(keys[one[1]], one[3], one[2], call('TTL', keys[one[1]]), math.huge)
    end
  end
  commit()
  commit_tiles()
  for _, one in ipairs(todo[4]) do call('HDEL', keys[one[1]], unpack(one, 2)) end
  for _, one in ipairs(todo[5]) do call('UNLINK', keys[one]) end
  local left = 0
  for _, one in ipairs(todo[6]) do
    if call('STRLEN', keys[one]) > 1 then left = left + 1 else call('UNLINK', keys[one]) end
  end
  if left == 0 then
    for _, one in ipairs(todo[7]) do call('UNLINK', keys[one]) end
  end
  return changed
end
export('forget', forget)
