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
  look_at(key, member, '')
  local sums, own = field(key, ''), tonumber(field(key, member) or '0')
  if not sums then return 0, 0, own end
  sums = former_sums(key, sums)
  if sub(sums, 1, 1) ~= FAMILY_VERSION then refuse_version(key, sums, FAMILY_VERSION) end
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
  members = members + put(key, member, own > 0 and tostring(own) or false, ttl)
  put(key, '', total > 0 and FAMILY_VERSION .. pack(SUMS, members, total) or false, ttl)
  if by > 0 then return pack('<I4I4I4I4I4I4', members, total, own, standing(before, member)) end
end

-- Sums of whatever the client counts, in a ring of buckets of days: head bucket (int32), fields and slots (uint8 each), an
-- int32 for each field over the whole ring, which is the answer, then one for each field of each slot. What has left the
-- ring is neither added nor taken out.
local function sums(key, bucket, slots, deltas, by, ttl, age)
  local width = #deltas
  local fields = width / 4
  local one = format_of('i4', fields)
  local stored = load(key)
  local head, all, body
  if stored then
    local had_fields, had_slots
    head, had_fields, had_slots = unpack_at('<i4BB', stored, 2)
    if had_fields ~= fields or had_slots ~= slots then refuse('FORMAT', key) end
    all, body = {unpack_at(one, stored, 8)}, sub(stored, 8 + width)
  elseif by < 0 then
    if age < ttl - DAY_SECONDS then refuse('LOST', key) end
    return
  else
    head, all, body = bucket, {}, rep('\0', width * slots)
    for i = 1, fields do all[i] = 0 end
  end
  for index = max(head + 1, bucket - slots + 1), bucket do -- what these slots held has left the ring
    local at = index % slots * width
    local gone = {unpack_at(one, body, at + 1)}
    for i = 1, fields do all[i] = all[i] - gone[i] end
    body = sub(body, 1, at) .. rep('\0', width) .. sub(body, at + width + 1)
  end
  head = max(head, bucket)
  if bucket > head - slots then
    local at = bucket % slots * width
    local now, change = {unpack_at(one, body, at + 1)}, {unpack_at(one, deltas, 1)}
    for i = 1, fields do
      now[i], all[i] = now[i] + by * change[i], all[i] + by * change[i]
      if now[i] < 0 then refuse('LOST', key) end
      if all[i] > MOST then refuse('FULL', key) end
    end
    body = sub(body, 1, at) .. pack(one, unpack(now, 1, fields)) .. sub(body, at + width + 1)
    store(key, VERSION_BYTE .. pack('<i4BB', head, fields, slots) .. pack(one, unpack(all, 1, fields)) .. body, ttl)
  end
  if by > 0 then return pack(one, unpack(all, 1, fields)) end
end

-- How often one entity met each partner in a bucket of days: total, the tail's share of it (uint32 each), partners that count
-- for more than nothing, partners with an entry (uint16 each); then the entries (reference, uint32), then, once they are
-- PARTNERS, a count-min sketch of all who came later. An entry stays when it falls to nothing: what one partner adds lies
-- in one place for good, and is taken out of there.
local PARTNERS, PARTNER = 128, 12
local ROWS, CELLS = 4, 128
local PAIRS_HEAD = '<I4I4I2I2'
local NO_PAIRS = {0, 0, 0, 0}

local function pairs_of(key)
  local stored = load(key)
  if not stored then return NO_PAIRS, '', '' end
  local head = {unpack_at(PAIRS_HEAD, stored, 2)}
  local from = 14 + head[4] * PARTNER
  return head, sub(stored, 14, from - 1), sub(stored, from)
end

local function entry_of(list, partner)
  local from = 1
  while true do
    local at = find(list, partner, from, true)
    if not at or (at - 1) % PARTNER == 0 then return at end
    from = at + 1
  end
end

-- Where a row of the sketch keeps a partner: two bytes of the reference choose the cell.
local function cell_at(partner, row)
  return ((row - 1) * CELLS + unpack_at('<I2', partner, 2 * row - 1) % CELLS) * 4 + 1
end

-- How often a partner was met, and whether that is exact (1) or the sketch's upper bound (0).
local function met(list, sketch, partner)
  local at = entry_of(list, partner)
  if at then return unpack_at('<I4', list, at + 8), 1 end
  if sketch == '' then return 0, 1 end
  local least
  for row = 1, ROWS do
    local count = unpack_at('<I4', sketch, cell_at(partner, row))
    if not least or count < least then least = count end
  end
  return least, 0
end

local function pair_answer(head, list, sketch, partner)
  local own, exact = met(list, sketch, partner)
  return pack('<I4I4I4I2B', own, head[1], head[2], head[3], exact)
end

local function pair(key, before, partner, by, ttl, age)
  local was, list, sketch = pairs_of(key)
  if by < 0 and was == NO_PAIRS then
    if age < ttl - DAY_SECONDS then refuse('LOST', key) end
    return
  end
  local head = {was[1] + by, was[2], was[3], was[4]}
  local at = entry_of(list, partner)
  if not at and by > 0 and head[4] < PARTNERS then
    at, head[4], list = #list + 1, head[4] + 1, list .. partner .. pack('<I4', 0)
  end
  if at then
    local count = unpack_at('<I4', list, at + 8)
    local now = count + by
    if now < 0 then refuse('LOST', key) end
    list = sub(list, 1, at + 7) .. pack('<I4', now) .. sub(list, at + PARTNER)
    if count == 0 then head[3] = head[3] + 1 elseif now == 0 then head[3] = head[3] - 1 end
  else
    if sketch == '' then sketch = rep('\0', ROWS * CELLS * 4) end
    head[2] = head[2] + by
    local parts, from = {}, 1 -- the rows' cells lie one behind the other: the sketch is put together once
    for row = 1, ROWS do
      local cell = cell_at(partner, row)
      local now = unpack_at('<I4', sketch, cell) + by
      if now < 0 then refuse('LOST', key) end
      parts[2 * row - 1], parts[2 * row] = sub(sketch, from, cell - 1), pack('<I4', now)
      from = cell + 4
    end
    parts[2 * ROWS + 1] = sub(sketch, from)
    sketch = concat(parts)
  end
  store(key, VERSION_BYTE .. pack(PAIRS_HEAD, unpack(head)) .. list .. sketch, ttl)
  if by > 0 then
    local head_before, list_before, sketch_before = pairs_of(before)
    return pair_answer(head, list, sketch, partner) .. pair_answer(head_before, list_before, sketch_before, partner)
  end
end
