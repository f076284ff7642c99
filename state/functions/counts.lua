-- Counters that every event can leave again: day sheets and pairs (packed members), counted families (hashes), sums.
local SHEET_TTL = 130 * DAY_SECONDS
local PERSON, PLACE = 10, 6 -- bytes of an entry: reference or commune, then how often (uint16)
local MOST = 2147483647 -- of an int32: what would not fit is refused, never wrapped

-- Changes how often `item` stands in a packed list of entries. Returns the list, or nil where nothing was to take out.
local function tally(list, size, item, by)
  local from = 1
  while true do
    local at = find(list, item, from, true)
    if not at then break end
    if (at - 1) % size == 0 then
      local count = unpack_at('<I2', list, at + #item) + by
      local entry = count > 0 and item .. pack('<I2', count) or ''
      return sub(list, 1, at - 1) .. entry .. sub(list, at + size)
    end
    from = at + 1
  end
  if by > 0 then return list .. item .. pack('<I2', by) end
  return nil
end

-- What one provider did on one day of care: minutes, then people, then communes (0: not known, not counted).
local function sheet(key, minutes, person, commune, by, age)
  local stored = load(key)
  local total, people, places = 0, '', ''
  if stored then
    local bytes
    total, bytes = unpack_at('<i4I2', stored, 2)
    people, places = sub(stored, 8, 7 + bytes), sub(stored, 8 + bytes)
  elseif by < 0 then
    if age < SHEET_TTL - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  total = total + by * minutes
  if total > MOST then refuse('FULL', key) end
  people = tally(people, PERSON, person, by)
  if commune ~= 0 then places = tally(places, PLACE, pack('<I4', commune), by) end
  if not people or not places then refuse('LOST', key) end
  store(key, VERSION_BYTE .. pack('<i4I2', total, #people) .. people .. places, SHEET_TTL)
  return pack('<i4I4I4', total, #people / PERSON, #places / PLACE)
end

-- Members, total and own count of a family's bucket; the first two stand under the empty field name, behind a version byte.
local SUMS = '<I4I4'
local FAMILY_VERSION = '\2'
local function standing(key, member)
  local own, sums = both(key, member, '')
  own = own and tonumber(own) or 0
  if not sums then return 0, 0, own end
  if sub(sums, 1, 1) ~= FAMILY_VERSION then
    sums = former_sums(key, sums)
    if sub(sums, 1, 1) ~= FAMILY_VERSION then refuse_version(key, sums, FAMILY_VERSION) end
  end
  if #sums ~= 9 then refuse('FORMAT', key) end
  local members, total = unpack_at(SUMS, sums, 2)
  return members, total, own
end

local function count(key, before, member, by, ttl, age)
  local members, total, own = standing(key, member)
  own, total = own + by, total + by
  if own < 0 or total < 0 then
    if age < ttl - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  members = members + put(key, member, own > 0 and own, ttl)
  put(key, '', total > 0 and FAMILY_VERSION .. pack(SUMS, members, total), ttl)
  if by > 0 then return pack('<I4I4I4I4I4I4', members, total, own, standing(before, member)) end
end

-- Sums of whatever the client counts, in a ring of buckets of days: version, head bucket (int32), fields and slots (uint8
-- each), an int32 for each field over the whole ring, which is the answer, then one for each field of each slot. What has
-- left the ring is neither added nor taken out. Only what stands before the slots is unpacked.
local SUMS_BYTES = 7 -- before the fields
local SUMS_HEAD = '<c1i4BB'
local sums_formats = {}
local function sums_format(fields)
  local known = sums_formats[fields]
  if not known then
    known = SUMS_HEAD .. rep('i4', fields)
    sums_formats[fields] = known
  end
  return known
end

local function sums(key, bucket, slots, deltas, by, ttl, age)
  local width = #deltas
  local fields = width / 4
  local one, whole = format_of('i4', fields), sums_format(fields)
  local stored = load(key)
  if not stored then
    if by < 0 then
      if age < ttl - DAY_SECONDS then refuse('LOST', key) end
      return
    end
    stored = pack(SUMS_HEAD, VERSION_BYTE, bucket, fields, slots) .. rep('\0', width * (1 + slots))
  end
  local had_fields, had_slots = byte(stored, 6, 7)
  if had_fields ~= fields or had_slots ~= slots then refuse('FORMAT', key) end
  local all = {unpack_at(whole, stored, 1)} -- version, head, fields, slots, totals
  local head, ring = all[2], SUMS_BYTES + width
  for index = max(head + 1, bucket - slots + 1), bucket do -- what these slots held has left the ring
    local at = ring + index % slots * width
    local gone = {unpack_at(one, stored, at + 1)}
    for i = 1, fields do all[4 + i] = all[4 + i] - gone[i] end
    stored = sub(stored, 1, at) .. rep('\0', width) .. sub(stored, at + width + 1)
  end
  if bucket > head then head, all[2] = bucket, bucket end
  if bucket > head - slots then
    local at = ring + bucket % slots * width
    local now, change = {unpack_at(one, stored, at + 1)}, {unpack_at(one, deltas, 1)}
    for i = 1, fields do
      local more = by * change[i]
      if more ~= 0 then
        now[i], all[4 + i] = now[i] + more, all[4 + i] + more
        if now[i] < 0 then refuse('LOST', key) end
        if all[4 + i] > MOST then refuse('FULL', key) end
      end
    end
    local before = pack(whole, unpack(all, 1, 4 + fields))
    patch(key, stored, {1, before, at + 1, pack(one, unpack(now, 1, fields))}, ttl)
    if by > 0 then return sub(before, SUMS_BYTES + 1) end
  end
  if by > 0 then return pack(one, unpack(all, 5, 4 + fields)) end
end

-- How often one entity met each partner in a bucket of days: version, total, the tail's share of it (uint32 each), partners
-- that count for more than nothing, partners with an entry (uint16 each); then the entries (reference, uint32), then, once
-- they are PARTNERS, a count-min sketch of all who came later. An entry stays when it falls to nothing: what one partner
-- adds lies in one place for good, and is taken out of there.
local PARTNERS, PARTNER = 128, 12
local ROWS, CELLS = 4, 128
local PAIRS_HEAD, FIRST_ENTRY = '<I4I4I2I2', 14
local PAIR_ANSWER = '<I4I4I4I2B'
local NO_PAIRS = VERSION_BYTE .. '\0\0\0\0\0\0\0\0\0\0\0\0'
local NONE_MET = '\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1'

-- First byte of a partner's entry, nil where there is none; `sketch`: the byte after the last entry.
local function entry_of(stored, sketch, partner)
  local from = FIRST_ENTRY
  while true do
    local at = find(stored, partner, from, true)
    if not at or at >= sketch then return nil end
    if (at - FIRST_ENTRY) % PARTNER == 0 then return at end
    from = at + 1
  end
end

-- Where a row of the sketch keeps a partner: two bytes of the reference choose the cell.
local function cell_at(sketch, partner, row)
  return sketch + ((row - 1) * CELLS + unpack_at('<I2', partner, 2 * row - 1) % CELLS) * 4
end

-- How often a partner was met, and whether that is exact (1) or the sketch's upper bound (0).
local function met(stored, sketch, partner)
  local at = entry_of(stored, sketch, partner)
  if at then return unpack_at('<I4', stored, at + 8), 1 end
  if #stored < sketch then return 0, 1 end
  local least
  for row = 1, ROWS do
    local count = unpack_at('<I4', stored, cell_at(sketch, partner, row))
    if not least or count < least then least = count end
  end
  return least, 0
end

local function pair_answer(stored, partner)
  if not stored then return NONE_MET end
  local total, tail, partners, entries = unpack_at(PAIRS_HEAD, stored, 2)
  local own, exact = met(stored, FIRST_ENTRY + entries * PARTNER, partner)
  return pack(PAIR_ANSWER, own, total, tail, partners, exact)
end

local function pair(key, before, partner, by, ttl, age)
  local stored = load(key)
  if not stored then
    if by < 0 then
      if age < ttl - DAY_SECONDS then refuse('LOST', key) end
      return
    end
    stored = NO_PAIRS
  end
  local total, tail, partners, entries = unpack_at(PAIRS_HEAD, stored, 2)
  local sketch = FIRST_ENTRY + entries * PARTNER
  local at = entry_of(stored, sketch, partner)
  if not at and by > 0 and entries < PARTNERS then -- there is no sketch yet: the entry goes to the end
    stored, at, entries = stored .. partner .. '\0\0\0\0', sketch, entries + 1
  end
  local own, exact, places
  if at then
    local had = unpack_at('<I4', stored, at + 8)
    own, exact = had + by, 1
    if own < 0 then refuse('LOST', key) end
    if had == 0 then partners = partners + 1 elseif own == 0 then partners = partners - 1 end
    places = {2, false, at + 8, pack('<I4', own)}
  else
    if #stored < sketch then stored = stored .. rep('\0', ROWS * CELLS * 4) end
    tail, exact, places = tail + by, 0, {2, false}
    for row = 1, ROWS do
      local cell = cell_at(sketch, partner, row)
      local now = unpack_at('<I4', stored, cell) + by
      if now < 0 then refuse('LOST', key) end
      if not own or now < own then own = now end
      places[1 + 2 * row], places[2 + 2 * row] = cell, pack('<I4', now)
    end
  end
  places[2] = pack(PAIRS_HEAD, total + by, tail, partners, entries)
  patch(key, stored, places, ttl)
  if by > 0 then
    return pack(PAIR_ANSWER, own, total + by, tail, partners, exact) .. pair_answer(load(before), partner)
  end
end
