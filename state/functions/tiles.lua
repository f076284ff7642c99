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

-- Claims and amount of the window of `slots` tiles that ends at the head, from its sums.
local function window_at_head(tile, ring, ts, slots, claims, amount)
  local width, first = ring.width, tile.now[ring.id] - slots
  local part = 1 - (ts - slots * width - first * width) / width
  local old_claims, old_amount = at(tile, ring, first)
  return claims + old_claims * part, amount and amount + old_amount * part
end

-- What the days [first, last], all inside the ring, add up to.
local function days(tile, first, last)
  local claims, lines, amount, pairs_of_day, active = 0, 0, 0, 0, 0
  if first > last then return 0, 0, 0, 0, 0 end
  local list = range(tile, DAYS, first, last)
  for i = 1, (last - first + 1) * 5, 5 do
    local of_day = list[i]
    if of_day > 0 then
      claims, lines, amount = claims + of_day, lines + list[i + 1], amount + list[i + 2]
      pairs_of_day, active = pairs_of_day + list[i + 3], active + 1
    end
  end
  return claims, lines, amount, pairs_of_day, active
end

-- What 7 and 30 days back from a day say. Behind the head the sums at the head serve, less the days after it and more
-- the days before theirs, for as long as that is fewer days to add up.
local function days_upto(tile, day)
  local head_day = tile.head_day
  local lag, oldest = head_day - day, head_day - 95 -- the ring's oldest day
  if lag == 0 then
    return tile.claims7, tile.claims30, tile.lines30, tile.amount30, tile.pairs30, tile.active30
  elseif day < oldest then
    return 0, 0, 0, 0, 0, 0
  elseif lag >= MONTH / 2 then
    return days(tile, max(day - WEEK + 1, oldest), day), days(tile, max(day - MONTH + 1, oldest), day)
  end
  local c, l, a, p, n = days(tile, day + 1, head_day)
  local c2, l2, a2, p2, n2 = days(tile, day - MONTH + 1, head_day - MONTH)
  local week
  if lag < WEEK then
    week = tile.claims7 - c + days(tile, day - WEEK + 1, head_day - WEEK)
  else
    week = days(tile, day - WEEK + 1, day)
  end
  return week, tile.claims30 - c + c2, tile.lines30 - l + l2, tile.amount30 - a + a2, tile.pairs30 - p + p2,
    tile.active30 - n + n2
end

-- All windows of an event, in the order of schemas.observation.ProviderWindow. Counts are floats of four bytes: exact
-- up to 2^24, which no provider has in a month.
local WINDOWS = '<dddfffdfffffff'
local function windows(tile, ts, day, fresh)
  local claims7, claims30, lines30, amount30, pairs30, active30 = days_upto(tile, day)
  local today, paid, before, _ = 0, 0, 0, nil
  if inside(tile, DAYS, day) then today, _, paid = at(tile, DAYS, day) end
  if inside(tile, DAYS, day - 1) then before = at(tile, DAYS, day - 1) end
  local claims24, amount24, claims1
  if floor(ts / 3600) == tile.now[2] then
    claims24, amount24 = window_at_head(tile, HOURS, ts, DAY_LONG, tile.claims24, tile.amount24)
  else
    claims24, amount24 = window(tile, HOURS, ts, DAY_SECONDS)
    if not claims24 then claims24, amount24 = today, paid end
  end
  if floor(ts / 300) == tile.now[1] then
    claims1 = window_at_head(tile, MINUTES, ts, SHORT, tile.short)
  else
    claims1 = window(tile, MINUTES, ts, 3600) or window(tile, HOURS, ts, 3600)
      or max(today / 24, min(today, 1))
  end
  local late = day < tile.head_day - 66 and 1 or 0
  return pack(WINDOWS, claims1, claims24, amount24, claims7, claims30, lines30, amount30, pairs30, tile.patients30,
    active30, today, today + before, fresh and 1 or 0, late)
end

-- Adds to the three rings and to the sums at the head; what has left a ring stays out of it.
local function add(tile, ts, day, sign, lines, amount, first_today)
  local now = tile.now
  local index = floor(ts / 300)
  if index > now[1] - MINUTES.slots then
    local minute = slot(tile, MINUTES, index)
    minute[1] = minute[1] + sign
    if index > now[1] - SHORT then tile.short = tile.short + sign end
  end
  index = floor(ts / 3600)
  if index > now[2] - HOURS.slots then
    local hour = slot(tile, HOURS, index)
    hour[1], hour[2] = hour[1] + sign, hour[2] + sign * amount
    if index > now[2] - DAY_LONG then
      tile.claims24, tile.amount24 = tile.claims24 + sign, tile.amount24 + sign * amount
    end
  end
  local today = slot(tile, DAYS, day)
  local had = today[1] > 0
  today[1], today[2], today[3] = today[1] + sign, today[2] + sign * lines, today[3] + sign * amount
  if first_today then today[4] = today[4] + sign end
  if day <= tile.head_day - MONTH then return end
  tile.claims30, tile.lines30, tile.amount30 = tile.claims30 + sign, tile.lines30 + sign * lines,
    tile.amount30 + sign * amount
  if first_today then tile.pairs30 = tile.pairs30 + sign end
  if had ~= (today[1] > 0) then tile.active30 = tile.active30 + sign end
  if day > tile.head_day - WEEK then tile.claims7 = tile.claims7 + sign end
end

local function shift_last(tile, day, by)
  local today = slot(tile, DAYS, day)
  today[5] = today[5] + by
  if day > tile.head_day - MONTH then tile.patients30 = tile.patients30 + by end
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

-- Visit days are kept by day, not as they came.
local function earlier(a, b) return a[1] < b[1] end

local function put_visits(tile, patients, who, seen)
  local text = ''
  for i = 1, #seen do text = text .. pack(VISIT, seen[i][1], seen[i][2]) end
  tile.fields = tile.fields + put(patients, who, #seen > 0 and text, 0)
end

-- Forgets patients who have not come within the ring, once there are twice as many fields as after the last time.
local function prune(tile, patients)
  if tile.fields <= tile.limit then return end
  local all, known, gone_from = call('HGETALL', patients), hash_of(patients), tile.head_day - DAYS.slots
  for i = 1, #all, 2 do
    local now = known[all[i]]
    if now == nil then
      now = all[i + 1]
      known[all[i]] = now
    end
    if now then
      local stays = false
      for at = #now - VISIT_BYTES + 1, 1, -VISIT_BYTES do
        if unpack_at(VISIT, now, at) > gone_from then
          stays = true
          break
        end
      end
      if not stays then tile.fields = tile.fields + put(patients, all[i], false, 0) end
    end
  end
  tile.limit = max(64, 2 * tile.fields)
end

-- Applies one claim of a provider and answers its windows, the claim included.
local function tile_in(key, patients, ts, day, lines, amount, who)
  local tile = open_tile(key, patients, ts, day)
  advance(tile, ts, day) -- the head never goes back
  local text = field(patients, who)
  if not text and inside(tile, DAYS, day) then -- somebody new
    add(tile, ts, day, 1, lines, amount, true)
    shift_last(tile, day, 1)
    tile.fields = tile.fields + put(patients, who, pack(VISIT, day, 1), 0)
    prune(tile, patients)
    return windows(tile, ts, day, true)
  end
  local seen, last = visits(text, tile.head_day)
  if inside(tile, DAYS, day) then
    local entry = false
    for i = 1, #seen do if seen[i][1] == day then entry = seen[i] end end
    add(tile, ts, day, 1, lines, amount, not entry)
    if entry then entry[2] = entry[2] + 1 else seen[#seen + 1] = {day, 1} end
    if last and day < last then table.sort(seen, earlier) end
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
  local tile = open_tile(key, patients)
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
