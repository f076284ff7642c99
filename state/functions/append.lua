-- Packed logs: a version byte, then records of one size sorted by day, ties in order of arrival.
-- A record begins with its event reference (12 bytes) and its day (little-endian int32).

-- Position of the first record whose day is `day` or later.
local function seek(log, size, day)
  local low, high = 0, (#log - 1) / size
  while low < high do
    local middle = floor((low + high) / 2)
    if unpack_at('<i4', log, 2 + middle * size + REF) < day then low = middle + 1 else high = middle end
  end
  return 2 + low * size
end

-- Adds records and answers those that were there before, from day `cut` on (false: all of them).
-- Records before day `drop` may be forgotten; they go when they make up a quarter of the log.
local function append(key, records, size, cut, drop, ttl)
  local log = load(key)
  if log and (#log - 1) % size ~= 0 then refuse('FORMAT', key) end
  log = log or VERSION_BYTE
  local answer = sub(log, cut and seek(log, size, cut) or 2)
  if #records == 0 then return answer end
  local last_day = #log > 1 and unpack_at('<i4', log, #log - size + 1 + REF) or nil
  if drop and #log > 1 and unpack_at('<i4', log, 2 + REF) < drop then
    local at = seek(log, size, drop)
    if (at - 2) * 4 > #log then
      log = VERSION_BYTE .. sub(log, at)
      store(key, log, ttl)
    end
  end
  local sorted = true
  for from = 1, #records, size do
    local day = unpack_at('<i4', records, from + REF)
    sorted = sorted and (not last_day or day >= last_day)
    last_day = day
  end
  if sorted then
    extend(key, records, ttl)
    return answer
  end
  for from = 1, #records, size do
    local record = sub(records, from, from + size - 1)
    local at = seek(log, size, unpack_at('<i4', record, REF + 1) + 1)
    log = sub(log, 1, at - 1) .. record .. sub(log, at)
  end
  store(key, log, ttl)
  return answer
end

-- Takes every record of an event out again. Records that were forgotten by age are no error; a log that is gone is.
local function take_out(key, ref, size, ttl, age)
  local log = load(key)
  if not log then
    if ttl == 0 or age < ttl - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  local from, changed = 2, false
  while true do
    local at = find(log, ref, from, true)
    if not at then break end
    if (at - 2) % size == 0 then
      log = sub(log, 1, at - 1) .. sub(log, at + size)
      from, changed = at, true
    else
      from = at + 1
    end
  end
  if changed then store(key, log, ttl) end
end

-- A registry entry: the value of the highest stamp (microseconds, then offset) stands. Answers the one in force.
local function register(key, value, micros, offset)
  local stored = load(key)
  if #value > 0 then
    local newer = true
    if stored then
      local had_micros, had_offset = unpack_at('<dd', stored, 2)
      newer = micros > had_micros or (micros == had_micros and offset >= had_offset)
    end
    if newer then
      stored = VERSION_BYTE .. pack('<dd', micros, offset) .. value
      store(key, stored, 0)
    end
  end
  return stored and sub(stored, 18) or false
end
