-- The unit of work of one call: values read once, changed in memory, written at the end. Redis does not roll a
-- failed function back, so everything that can fail happens before `commit`.
local values, tails, ttls, touched -- packed values; what was added to one; seconds to keep; in order of first change
local raised -- values that were read in an older version: they are written whole
local hashes, hash_order
local tiles, tile_order

local function begin()
  values, tails, ttls, touched, raised = {}, {}, {}, {}, {}
  hashes, hash_order = {}, {}
  tiles, tile_order = {}, {}
end

-- The packed value under a key in version `known` (not given: 1), or false. `steps`: by version, what raises a value of
-- it by one; false where the value does not fit its version. Refuses what cannot be raised.
local function load(key, known, steps)
  local value = values[key]
  if value == nil then
    value = call('GET', key)
    known = known or VERSION_BYTE
    while value and sub(value, 1, 1) ~= known do
      local step = steps and steps[byte(value, 1)]
      value, raised[key] = step and step(value) or refuse_version(key, value, known), true
    end
    values[key] = value
  elseif tails[key] and tails[key] ~= '' then
    return value .. tails[key]
  end
  return value
end

local function mark(key, ttl)
  if ttls[key] == nil then touched[#touched + 1] = key end
  ttls[key] = ttl
end

-- A new value; the stored one is rewritten whole.
local function store(key, value, ttl)
  values[key], tails[key] = value, nil
  mark(key, ttl)
end

-- Adds to the end of the value that is stored.
local function extend(key, more, ttl)
  if values[key] and not raised[key] and (tails[key] or ttls[key] == nil) then
    tails[key] = (tails[key] or '') .. more
    mark(key, ttl)
  else
    store(key, (values[key] or VERSION_BYTE) .. more, ttl)
  end
end

-- Seconds since an event record was written (0 when this call wrote it).
local function age_of(key)
  if ttls[key] ~= nil then return 0 end
  local left = call('TTL', key)
  if left < 0 then return 0 end
  return EVENT_TTL - left
end

local function hash_of(key)
  local hash = hashes[key]
  if not hash then
    hash = {field = {}, changed = {}, order = {}, ttl = false}
    hashes[key] = hash
    hash_order[#hash_order + 1] = key
  end
  return hash
end

local function field(key, name)
  local hash = hash_of(key)
  local value = hash.field[name]
  if value == nil then
    value = call('HGET', key, name)
    hash.field[name] = value
  end
  return value
end

-- Reads two fields at once, for `field` to find.
local function look_at(key, first, second)
  local seen = hash_of(key).field
  if seen[first] ~= nil and seen[second] ~= nil then return end
  local found = call('HMGET', key, first, second)
  if seen[first] == nil then seen[first] = found[1] end
  if seen[second] == nil then seen[second] = found[2] end
end

-- Sets a field, or removes it when `value` is false. Returns +1, 0 or -1: what the number of fields changes by.
local function put(key, name, value, ttl)
  local hash = hash_of(key)
  local before = field(key, name)
  if not hash.changed[name] then
    hash.changed[name] = true
    hash.order[#hash.order + 1] = name
  end
  hash.field[name] = value
  hash.ttl = ttl
  if value and not before then return 1 elseif before and not value then return -1 end
  return 0
end

-- APPEND leaves a string twice the room that it needs; below this a value is written whole, which fits it exactly.
local APPENDED = 4096
local function commit_value(key)
  local ttl, tail = ttls[key], tails[key]
  if tail and #values[key] + #tail < APPENDED then
    values[key], tail = values[key] .. tail, nil
  end
  if tail then
    call('APPEND', key, tail)
    if ttl > 0 then call('EXPIRE', key, ttl) end
  elseif ttl > 0 then
    call('SET', key, values[key], 'EX', ttl)
  else
    call('SET', key, values[key])
  end
end

local function commit_hash(key)
  local hash = hashes[key]
  local order = hash.order
  if #order == 0 then return end
  local sets, gone = {}, {}
  for i = 1, #order do
    local value = hash.field[order[i]]
    if value then
      sets[#sets + 1] = order[i]
      sets[#sets + 1] = value
    else
      gone[#gone + 1] = order[i]
    end
  end
  -- a Lua call takes at most about 8,000 arguments
  for i = 1, #sets, 4000 do call('HSET', key, unpack(sets, i, min(i + 3999, #sets))) end
  for i = 1, #gone, 4000 do call('HDEL', key, unpack(gone, i, min(i + 3999, #gone))) end
  if hash.ttl > 0 then call('EXPIRE', key, hash.ttl) end
end

local function commit()
  for i = 1, #touched do commit_value(touched[i]) end
  for i = 1, #hash_order do commit_hash(hash_order[i]) end
end
