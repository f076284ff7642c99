-- FCALL crible_intern: names become numbers from 2^30 up, in the order in which they were first seen.
-- KEYS: numbers (hash name -> number), names (list, by number). ARGS: the names. Answers their numbers.
local FIRST_NUMBER = 1073741824

local function intern(keys, args)
  bind()
  local answer = {}
  for i = 1, #args do
    local number = call('HGET', keys[1], args[i])
    if not number then
      number = FIRST_NUMBER + call('LLEN', keys[2])
      call('RPUSH', keys[2], args[i])
      call('HSET', keys[1], args[i], format('%.0f', number))
    end
    answer[i] = tonumber(number)
  end
  return answer
end
export('intern', intern)
