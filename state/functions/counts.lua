-- Reference-counted members: day sheets (packed) and counted families (hashes).
local SHEET_TTL = 130 * DAY_SECONDS
local PERSON, PLACE = 10, 6 -- bytes of an entry: reference or commune, then how often (uint16)

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
