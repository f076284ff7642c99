-- The packed tiles of a provider: three rings in one value, opened once a call. Strings of kilobytes are what Lua is slow
-- at, so the stored one is never rebuilt: slots that change lie in an overlay and are written where they stand.
--
--   byte 1        version
--   bytes 2-21    head: instant (double), day (int32), fields of the patients hash (uint32), its limit (uint32)
--   5 minutes x 48: claims | 1 hour x 72: claims, amount | 1 day x 96: claims, lines, amount, patients, last patients
local HEAD = '<di4I4I4'
local HEAD_BYTES = 20
local MINUTES = {id = 1, width = 300, slots = 48, slot = 'I4', values = 1, bytes = 4, at = 2 + HEAD_BYTES}
local HOURS = {id = 2, width = 3600, slots = 72, slot = 'I4d', values = 2, bytes = 12, at = 2 + HEAD_BYTES + 48 * 4}
local DAYS = {id = 3, slots = 96, slot = 'I4I4dI4I4', values = 5, bytes = 24, at = 2 + HEAD_BYTES + 48 * 4 + 72 * 12}
local RINGS = {MINUTES, HOURS, DAYS}
local TILE_BYTES = 1 + HEAD_BYTES + 48 * 4 + 72 * 12 + 96 * 24
local TILE_TTL = 400 * DAY_SECONDS

-- Index of the newest tile of a ring.
local function newest(tile, ring)
  if ring.width then return floor(tile.head / ring.width) end
  return tile.head_day
end

-- The tile under a key; a new one with its head at (ts, day), or false where `ts` is not given.
local function open_tile(key, ts, day)
  local tile = tiles[key]
  if tile then return tile end
  local base = load(key)
  if not base and not ts then return false end
  if base and #base ~= TILE_BYTES then refuse('FORMAT', key) end
  tile = {key = key, base = base, over = {{}, {}, {}}, was = {}}
  if base then
    tile.head, tile.head_day, tile.fields, tile.limit = unpack_at(HEAD, base, 2)
    for i = 1, 3 do tile.was[i] = newest(tile, RINGS[i]) end
  else
    tile.head, tile.head_day, tile.fields, tile.limit = ts, day, 0, 64
  end
  tiles[key] = tile
  tile_order[#tile_order + 1] = tile
  return tile
end

local function inside(tile, ring, index) return index > newest(tile, ring) - ring.slots end

-- A slot for change: its values, kept in the overlay.
local function slot(tile, ring, index)
  local over = tile.over[ring.id]
  local values_of = over[index]
  if not values_of then
    local was = tile.was[ring.id]
    if was and index <= was then
      values_of = {unpack_at(format_of(ring.slot, 1), tile.base, ring.at + index % ring.slots * ring.bytes)}
    else
      values_of = {0, 0, 0, 0, 0}
    end
    over[index] = values_of
  end
  return values_of
end

-- The values of the tiles [first, last], all inside the ring, as one flat list.
local function range(tile, ring, first, last)
  local list, was, width = {}, tile.was[ring.id], ring.values
  local stored = was and math.min(was, last) or first - 1
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
  for i = math.max(0, stored - first + 1) * width + 1, (last - first + 1) * width do list[i] = 0 end
  for index, now in pairs(tile.over[ring.id]) do
    if index >= first and index <= last then
      for i = 1, width do list[(index - first) * width + i] = now[i] end
    end
  end
  return list
end

-- The tiles [first, last] packed, from the overlay alone: those that are not in it are empty.
local function packed(tile, ring, first, last)
  local over, known, parts = tile.over[ring.id], {}, {}
  for index in pairs(over) do
    if index >= first and index <= last then known[#known + 1] = index end
  end
  table.sort(known)
  for i = 1, #known do
    local index = known[i]
    if index > first then parts[#parts + 1] = rep('\0', (index - first) * ring.bytes) end
    parts[#parts + 1] = pack(format_of(ring.slot, 1), unpack(over[index], 1, ring.values))
    first = index + 1
  end
  if first <= last then parts[#parts + 1] = rep('\0', (last - first + 1) * ring.bytes) end
  return concat(parts)
end

-- Writes the tiles [first, last] over what stands there.
local function write_slots(tile, ring, first, last)
  while first <= last do
    local from = first % ring.slots
    local upto = math.min(last, first + ring.slots - from - 1)
    redis.call('SETRANGE', tile.key, ring.at + from * ring.bytes - 1, packed(tile, ring, first, upto))
    first = upto + 1
  end
end

local function create_tile(tile, head)
  local parts = {VERSION_BYTE, head}
  for i = 1, 3 do
    local ring = RINGS[i]
    local last = newest(tile, ring)
    local turn = last - last % ring.slots -- the tile that stands at the ring's beginning
    parts[#parts + 1] = packed(tile, ring, turn, last)
    parts[#parts + 1] = packed(tile, ring, last + 1 - ring.slots, turn - 1)
  end
  redis.call('SET', tile.key, concat(parts), 'EX', TILE_TTL)
end

local function commit_tile(tile)
  local head = pack(HEAD, tile.head, tile.head_day, tile.fields, tile.limit)
  if not tile.base then return create_tile(tile, head) end
  redis.call('SETRANGE', tile.key, 1, head)
  for i = 1, 3 do
    local ring, was = RINGS[i], tile.was[i]
    local now = newest(tile, ring)
    write_slots(tile, ring, math.max(was, now - ring.slots) + 1, now)
    for index in pairs(tile.over[i]) do
      if index <= was and index > now - ring.slots then write_slots(tile, ring, index, index) end
    end
  end
  redis.call('EXPIRE', tile.key, TILE_TTL)
end

local function commit_tiles()
  for i = 1, #tile_order do commit_tile(tile_order[i]) end
end
