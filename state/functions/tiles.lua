-- Arrival-axis windows of a provider, and the days on which each patient was seen in a hash beside the tiles. What the
-- rings hold does not depend on the order in which events were applied.
local VISIT = '<i4I2' -- one visit day of a patient: day, claims
local VISIT_BYTES = 6

-- Claims and amount of (ts - span, ts] in a ring, the oldest tile weighted by its part inside; nil when the ring
-- no longer reaches that far back.
local function window(tile, ring, ts, span)
  local width = ring.width
  local low = ts - span
  local first, last = floor(low / width), floor(ts / width)
  if not inside(tile, ring, first) then return nil end
  local list, step = range(tile, ring, first, last), ring.values
  local part = 1 - (low - first * width) / width
  local claims, amount = 0, 0 -- whole tiles first: integers add up exactly
  for i = step + 1, (last - first + 1) * step, step do
    claims = claims + list[i]
    if step > 1 then amount = amount + list[i + 1] end
  end
  return claims + list[1] * part, step > 1 and amount + list[2] * part or 0
end

-- All windows of an event, in the order of schemas.observation.ProviderWindow.
local function windows(tile, ts, day, fresh)
  local head_day = tile.head_day
  local first = math.max(day - 29, head_day - 95) -- the ring's oldest day at most
  local count = math.max(0, day - first + 1)
  local list = count > 0 and range(tile, DAYS, first, day) or {}
  local claims7, claims30, lines30, amount30, pairs30, active30 = 0, 0, 0, 0, 0, 0
  local week = (day - 6 - first) * 5
  for i = 1, count * 5, 5 do
    local claims = list[i]
    if claims > 0 then
      claims30, active30 = claims30 + claims, active30 + 1
      if i > week then claims7 = claims7 + claims end
      lines30, amount30, pairs30 = lines30 + list[i + 1], amount30 + list[i + 2], pairs30 + list[i + 3]
    end
  end
  local today = count > 0 and list[count * 5 - 4] or 0
  local before = count > 1 and list[count * 5 - 9] or 0
  local recent = (day == head_day and first == day - 29) and list or range(tile, DAYS, head_day - 29, head_day)
  local patients = 0
  for i = 5, 150, 5 do patients = patients + recent[i] end
  local claims24, amount24 = window(tile, HOURS, ts, DAY_SECONDS)
  if not claims24 then claims24, amount24 = today, count > 0 and list[count * 5 - 2] or 0 end
  local claims1 = window(tile, MINUTES, ts, 3600) or window(tile, HOURS, ts, 3600)
    or math.max(today / 24, math.min(today, 1))
  local late = day < head_day - 66 and 1 or 0
  return pack('<dddddddddddddd', claims1, claims24, amount24, claims7, claims30, lines30, amount30, pairs30, patients,
    active30, today, today + before, fresh and 1 or 0, late)
end

-- Adds to the three rings; what has left a ring stays out of it.
local function add(tile, ts, day, sign, lines, amount, first_today)
  local index = floor(ts / 300)
  if inside(tile, MINUTES, index) then
    local minute = slot(tile, MINUTES, index)
    minute[1] = minute[1] + sign
  end
  index = floor(ts / 3600)
  if inside(tile, HOURS, index) then
    local hour = slot(tile, HOURS, index)
    hour[1], hour[2] = hour[1] + sign, hour[2] + sign * amount
  end
  local today = slot(tile, DAYS, day)
  today[1], today[2], today[3] = today[1] + sign, today[2] + sign * lines, today[3] + sign * amount
  if first_today then today[4] = today[4] + sign end
end

local function shift_last(tile, day, by)
  local today = slot(tile, DAYS, day)
  today[5] = today[5] + by
end

-- The visit days of a patient that are still in the ring as [day, claims], and the last day (false: none).
local function visits(text, head_day)
  local seen, last = {}, false
  if text then
    for at = 1, #text, VISIT_BYTES do
      local day, claims = unpack_at(VISIT, text, at)
      if day > head_day - DAYS.slots then
        seen[#seen + 1] = {day, claims}
        if not last or day > last then last = day end
      end
    end
  end
  return seen, last
end

local function put_visits(tile, patients, who, seen)
  local text = ''
  for i = 1, #seen do text = text .. pack(VISIT, seen[i][1], seen[i][2]) end
  tile.fields = tile.fields + put(patients, who, #seen > 0 and text, TILE_TTL)
end

-- Forgets patients who have not come within the ring, once there are twice as many fields as after the last time.
local function prune(tile, patients)
  if tile.fields <= tile.limit then return end
  local all = redis.call('HGETALL', patients)
  for i = 1, #all, 2 do
    local now = field(patients, all[i])
    if now then
      local _, last = visits(now, tile.head_day)
      if not last then tile.fields = tile.fields + put(patients, all[i], false, TILE_TTL) end
    end
  end
  tile.limit = math.max(64, 2 * tile.fields)
end

-- Applies one claim of a provider and answers its windows, the claim included.
local function tile_in(key, patients, ts, day, lines, amount, who)
  local tile = open_tile(key, ts, day)
  tile.head, tile.head_day = math.max(ts, tile.head), math.max(day, tile.head_day) -- the head never goes back
  local seen, last = visits(field(patients, who), tile.head_day)
  if inside(tile, DAYS, day) then
    local entry = false
    for i = 1, #seen do if seen[i][1] == day then entry = seen[i] end end
    add(tile, ts, day, 1, lines, amount, not entry)
    if entry then entry[2] = entry[2] + 1 else seen[#seen + 1] = {day, 1} end
    if not last or day > last then
      if last then shift_last(tile, last, -1) end
      shift_last(tile, day, 1)
    end
    put_visits(tile, patients, who, seen)
    prune(tile, patients)
  end
  return windows(tile, ts, day, not last)
end

-- Takes one claim out of the windows again.
local function tile_out(key, patients, ts, day, lines, amount, who, age)
  local tile = open_tile(key)
  if not tile then
    if age < TILE_TTL - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  if not inside(tile, DAYS, day) then return end
  local seen, last = visits(field(patients, who), tile.head_day)
  local left, entry, before = {}, false, false
  for i = 1, #seen do
    if seen[i][1] == day then
      entry = seen[i]
      entry[2] = entry[2] - 1
    end
    if seen[i][2] > 0 then
      left[#left + 1] = seen[i]
      if not before or seen[i][1] > before then before = seen[i][1] end
    end
  end
  if not entry then refuse('LOST', patients) end
  add(tile, ts, day, -1, lines, amount, entry[2] == 0)
  if before ~= last then
    shift_last(tile, last, -1)
    if before then shift_last(tile, before, 1) end
  end
  put_visits(tile, patients, who, left)
end
