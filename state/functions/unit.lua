-- The unit of work of one call: values read once, changed in memory, written at the end. Redis does not roll a
-- failed function back, so everything that can fail happens before `commit`.
local values, ttls, touched -- packed values; seconds to keep; in order of first change
local tails, patches -- what is written instead of the whole: what was added, places that changed
local raised -- values that were read in an older version: they are written whole
local hashes, changes, change_order, change_ttls -- fields read and set; names that were set; hashes in order; seconds to keep
local tiles, tile_order

local function begin()
  values, ttls, touched, tails, patches, raised = {}, {}, {}, {}, {}, {}
  hashes, changes, change_order, change_ttls = {}, {}, {}, {}
  tiles, tile_order = {}, {}
end

local function patched(value, places)
  local parts, from = {}, 1
  for i = 1, #places, 2 do
    parts[i], parts[i + 1] = sub(value, from, places[i] - 1), places[i + 1]
    from = places[i] + #places[i + 1]
  end
  parts[#parts + 1] = sub(value, from)
  return concat(parts)
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
  elseif tails[key] then
    return value .. tails[key]
  elseif patches[key] then
    return patched(value, patches[key])
  end
  return value
end

local function mark(key, ttl)
  if ttls[key] == nil then touched[#touched + 1] = key end
  ttls[key] = ttl
end

-- A new value; the stored one is rewritten whole.
local function store(key, value, ttl)
  values[key], tails[key], patches[key] = value, nil, nil
  mark(key, ttl)
end

-- Adds to the end of the value that is stored.
local function extend(key, more, ttl)
  if values[key] and not raised[key] and (tails[key] or ttls[key] == nil) then
    tails[key] = (tails[key] or '') .. more
    mark(key, ttl)
  else
    store(key, (load(key) or VERSION_BYTE) .. more, ttl)
  end
end

-- Changes places of a value, [first byte, bytes, ...] in order. Only they are written where it is the stored one and long:
-- a string costs by the byte whenever Lua makes one.
local LONG = 400
local function patch(key, value, places, ttl)
  if #value > LONG and value == values[key] and ttls[key] == nil and not raised[key] then
    patches[key] = places
    mark(key, ttl)
  else
    store(key, patched(value, places), ttl)
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
    hash = {}
    hashes[key] = hash
  end
  return hash
end

local function field(key, name)
  local hash = hash_of(key)
  local value = hash[name]
  if value == nil then
    value = call('HGET', key, name)
    hash[name] = value
  end
  return value
end

-- Two fields, read at once.
local function both(key, first, second)
  local hash = hash_of(key)
  if hash[first] == nil or hash[second] == nil then
    local found = call('HMGET', key, first, second)
    if hash[first] == nil then hash[first] = found[1] end
    if hash[second] == nil then hash[second] = found[2] end
  end
  return hash[first], hash[second]
end

-- Sets a field, or removes it when `value` is false. Returns +1, 0 or -1: what the number of fields changes by.
local function put(key, name, value, ttl)
  local before, names = field(key, name), changes[key]
  if not names then
    names = {}
    changes[key] = names
    change_order[#change_order + 1] = key
  end
  names[#names + 1] = name -- twice where it is set twice: what it is at the end is written
  hashes[key][name], change_ttls[key] = value, ttl
  if value then return before and 0 or 1 end
  return before and -1 or 0
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
  elseif patches[key] then
    local places = patches[key]
    for i = 1, #places, 2 do call('SETRANGE', key, places[i] - 1, places[i + 1]) end
    if ttl > 0 then call('EXPIRE', key, ttl) end
  elseif ttl > 0 then
    call('SET', key, values[key], 'EX', ttl)
  else
    call('SET', key, values[key])
  end
end

local function commit_hash(key)
  local hash, names, ttl = hashes[key], changes[key], change_ttls[key]
  local sets, gone = {}, {}
  for i = 1, #names do
    local name = names[i]
    local value = hash[name]
    if value then
      sets[#sets + 1], sets[#sets + 2] = name, value
    else
      gone[#gone + 1] = name
    end
  end
  -- a Lua call takes at most about 8,000 arguments
  for i = 1, #sets, 4000 do call('HSET', key, unpack(sets, i, min(i + 3999, #sets))) end
  for i = 1, #gone, 4000 do call('HDEL', key, unpack(gone, i, min(i + 3999, #gone))) end
  if ttl > 0 then call('EXPIRE', key, ttl) end
end

local function commit()
  for i = 1, #touched do commit_value(touched[i]) end
  for i = 1, #change_order do commit_hash(change_order[i]) end
end
