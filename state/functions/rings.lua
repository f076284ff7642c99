-- The packed tiles of a provider: three rings in one value, opened once a call. Strings of kilobytes are what Lua is slow
-- at, so the stored one is never rebuilt: slots that change lie in an overlay and are written where they stand.
--
--   byte 1        version (functions/former.lua knows the ones before)
--   bytes 2-73    head, and the sums of the windows that end with it (HEAD): kept in step with the rings, so that an event
--                 at the head, which is the usual one, is answered without adding slots up
--   5 minutes x 48: claims | 1 hour x 72: claims, amount | 1 day x 96: claims, lines, amount, patients, last patients
local HEAD = '<di4I4I4' -- instant, day, fields of the patients hash, its limit
  .. 'I4' -- claims of 12 tiles of 5 minutes
  .. 'I4d' -- claims, amount of 24 hours
  .. 'I4' -- claims of 7 days
  .. 'I4I4dI4I4I4' -- claims, lines, amount, patient days, last patients, active days of 30 days
  .. 'I4' -- half-day in which the expiry was last set
local TILE_VERSION = '\2' -- also of the hash of patients beside it
local HEAD_BYTES = 72
local MINUTES = {id = 1, width = 300, slots = 48, slot = 'I4', values = 1, bytes = 4, at = 2 + HEAD_BYTES}
local HOURS = {id = 2, width = 3600, slots = 72, slot = 'I4d', values = 2, bytes = 12, at = 2 + HEAD_BYTES + 48 * 4}
local DAYS = {id = 3, slots = 96, slot = 'I4I4dI4I4', values = 5, bytes = 24, at = 2 + HEAD_BYTES + 48 * 4 + 72 * 12}
local RINGS = {MINUTES, HOURS, DAYS}
for i = 1, 3 do RINGS[i].one = '<' .. RINGS[i].slot end
local TILE_BYTES = 1 + HEAD_BYTES + 48 * 4 + 72 * 12 + 96 * 24
local TILE_TTL = 400 * DAY_SECONDS
local SHORT, DAY_LONG, WEEK, MONTH = 12, 24, 7, 30 -- slots of the windows whose sums are kept

-- The tile under a key; a new one with its head at (ts, day), or false where `ts` is not given.
local function open_tile(key, patients, ts, day)
  local tile = tiles[key]
  if tile then return tile end
  local base = load(key, TILE_VERSION, FORMER_TILES)
  if not base and not ts then return false end
  if base and #base ~= TILE_BYTES then refuse('FORMAT', key) end
  -- all of its fields are named here: a table that grows is rebuilt
  tile = {key = key, patients = patients, base = base, over = {{}, {}, {}}, was = false, now = false, head = ts,
    head_day = day, fields = 0, limit = 64, short = 0, claims24 = 0, amount24 = 0, claims7 = 0, claims30 = 0, lines30 = 0,
    amount30 = 0, pairs30 = 0, patients30 = 0, active30 = 0, kept = -1, had = 0}
  if base then
    tile.head, tile.head_day, tile.fields, tile.limit, tile.short, tile.claims24, tile.amount24, tile.claims7,
      tile.claims30, tile.lines30, tile.amount30, tile.pairs30, tile.patients30, tile.active30, tile.kept
      = unpack_at(HEAD, base, 2)
  end
  local minute, hour = floor(tile.head / 300), floor(tile.head / 3600)
  tile.now = {minute, hour, tile.head_day}
  tile.was = base and {minute, hour, tile.head_day} or {}
  tile.had = tile.fields
  tiles[key] = tile
  tile_order[#tile_order + 1] = tile
  return tile
end

-- Index of the newest tile of a ring.
local function newest(tile, ring) return tile.now[ring.id] end

local function inside(tile, ring, index) return index > tile.now[ring.id] - ring.slots end

-- A slot for change: its values, kept in the overlay.
local function slot(tile, ring, index)
  local over = tile.over[ring.id]
  local values_of = over[index]
  if not values_of then
    local was = tile.was[ring.id]
    if was and index <= was then
      values_of = {unpack_at(ring.one, tile.base, ring.at + index % ring.slots * ring.bytes)}
    else
      values_of = {0, 0, 0, 0, 0}
    end
    over[index] = values_of
  end
  return values_of
end

-- The values of one tile inside the ring: up to the number the ring has.
local function at(tile, ring, index)
  local now = tile.over[ring.id][index]
  if now then return now[1], now[2], now[3], now[4], now[5] end
  local was = tile.was[ring.id]
  if not was or index > was then return 0, 0, 0, 0, 0 end
  return unpack_at(ring.one, tile.base, ring.at + index % ring.slots * ring.bytes)
end

-- Moves the head on: what leaves the windows that end with it leaves their sums.
local function advance(tile, ts, day)
  local now = tile.now
  if ts > tile.head then
    tile.head = ts
    local minute, hour = floor(ts / 300), floor(ts / 3600)
    local was = now[1]
    if minute - was >= SHORT then
      tile.short = 0
    else
      for i = was - SHORT + 1, minute - SHORT do tile.short = tile.short - at(tile, MINUTES, i) end
    end
    now[1] = minute
    was = now[2]
    if hour - was >= DAY_LONG then
      tile.claims24, tile.amount24 = 0, 0
    else
      for i = was - DAY_LONG + 1, hour - DAY_LONG do
        local claims, amount = at(tile, HOURS, i)
        tile.claims24, tile.amount24 = tile.claims24 - claims, tile.amount24 - amount
      end
    end
    now[2] = hour
  end
  local was = tile.head_day
  if day <= was then return end
  if day - was >= WEEK then
    tile.claims7 = 0
  else
    for i = was - WEEK + 1, day - WEEK do tile.claims7 = tile.claims7 - at(tile, DAYS, i) end
  end
  if day - was >= MONTH then
    tile.claims30, tile.lines30, tile.amount30, tile.pairs30, tile.patients30, tile.active30 = 0, 0, 0, 0, 0, 0
  else
    for i = was - MONTH + 1, day - MONTH do
      local claims, lines, amount, pairs_of_day, patients = at(tile, DAYS, i)
      if claims > 0 then tile.active30 = tile.active30 - 1 end
      tile.claims30, tile.lines30, tile.amount30 = tile.claims30 - claims, tile.lines30 - lines, tile.amount30 - amount
      tile.pairs30, tile.patients30 = tile.pairs30 - pairs_of_day, tile.patients30 - patients
    end
  end
  tile.head_day, now[3] = day, day
end

-- The values of the tiles [first, last], all inside the ring, as one flat list.
local function range(tile, ring, first, last)
  local list, was, width = {}, tile.was[ring.id], ring.values
  local stored = was and min(was, last) or first - 1
  if stored >= first then
    local from, count = first % ring.slots, stored - first + 1
    local straight = count
    if from + count > ring.slots then straight = ring.slots - from end
    list = {unpack_at(format_of(ring.slot, straight), tile.base, ring.at + from * ring.bytes)}
    if straight < count then
      local rest = {unpack_at(format_of(ring.slot, count - straight), tile.base, ring.at)}
      for i = 1, (count - straight) * width do list[straight * width + i] = rest[i] end
    end
  end
  for i = max(0, stored - first + 1) * width + 1, (last - first + 1) * width do list[i] = 0 end
  for index, now in pairs(tile.over[ring.id]) do
    if index >= first and index <= last then
      for i = 1, width do list[(index - first) * width + i] = now[i] end
    end
  end
  return list
end

-- The tiles [first, last] packed, from the overlay alone: those that are not in it are empty.
local function packed(tile, ring, first, last)
  local over = tile.over[ring.id]
  if first == last then
    local only = over[first]
    return only and pack(ring.one, unpack(only, 1, ring.values)) or rep('\0', ring.bytes)
  end
  local known, parts = {}, {}
  for index in pairs(over) do
    if index >= first and index <= last then known[#known + 1] = index end
  end
  if #known > 1 then table.sort(known) end
  for i = 1, #known do
    local index = known[i]
    if index > first then parts[#parts + 1] = rep('\0', (index - first) * ring.bytes) end
    parts[#parts + 1] = pack(ring.one, unpack(over[index], 1, ring.values))
    first = index + 1
  end
  if first <= last then parts[#parts + 1] = rep('\0', (last - first + 1) * ring.bytes) end
  return concat(parts)
end

-- A ring that the head has turned whole.
local function turned(tile, ring)
  local last = newest(tile, ring)
  local turn = last - last % ring.slots -- the tile that stands at the ring's beginning
  return packed(tile, ring, turn, last) .. packed(tile, ring, last + 1 - ring.slots, turn - 1)
end

-- Writes the tiles [first, last] over what stands there.
local function write_slots(tile, ring, first, last)
  while first <= last do
    local from = first % ring.slots
    local upto = min(last, first + ring.slots - from - 1)
    call('SETRANGE', tile.key, ring.at + from * ring.bytes - 1, packed(tile, ring, first, upto))
    first = upto + 1
  end
end

local function commit_tile(tile, half_day)
  local fresh = tile.kept ~= half_day
  tile.kept = half_day
  local head = pack(HEAD, tile.head, tile.head_day, tile.fields, tile.limit, tile.short, tile.claims24, tile.amount24,
    tile.claims7, tile.claims30, tile.lines30, tile.amount30, tile.pairs30, tile.patients30, tile.active30, half_day)
  if fresh or tile.had == 0 then call('EXPIRE', tile.patients, TILE_TTL) end
  if not tile.base then
    local value = concat({TILE_VERSION, head, turned(tile, MINUTES), turned(tile, HOURS), turned(tile, DAYS)})
    call('SET', tile.key, value, 'EX', TILE_TTL)
    return
  end
  if raised[tile.key] then call('SET', tile.key, tile.base) end -- its expiry follows: a raised tile is `fresh`
  local from = 1
  if tile.now[1] - tile.was[1] >= MINUTES.slots then -- the minutes stand next to the head: one write for both
    call('SETRANGE', tile.key, 1, head .. turned(tile, MINUTES))
    from = 2
  else
    call('SETRANGE', tile.key, 1, head)
  end
  for i = from, 3 do
    local ring, was, now = RINGS[i], tile.was[i], tile.now[i]
    local oldest = now - ring.slots
    if was < now then write_slots(tile, ring, (was > oldest and was or oldest) + 1, now) end
    for index, slot_now in pairs(tile.over[i]) do
      if index <= was and index > oldest then
        call('SETRANGE', tile.key, ring.at + index % ring.slots * ring.bytes - 1,
          pack(ring.one, unpack(slot_now, 1, ring.values)))
      end
    end
  end
  if fresh then call('EXPIRE', tile.key, TILE_TTL) end
end

local function commit_tiles()
  if #tile_order == 0 then return end
  -- an expiry set within the last twelve hours is left as it is: LOST is told a day ahead of it at the earliest
  local half_day = floor(call('TIME')[1] / 43200)
  for i = 1, #tile_order do commit_tile(tile_order[i], half_day) end
end
