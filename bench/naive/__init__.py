"""The naive build: what a capable developer makes of the subset with Faust, Redis and River in a week.

A Faust agent takes claim by claim. Windows are sorted sets, scored by time, trimmed by `ZREMRANGEBYSCORE` and read
by `ZCOUNT` and `ZRANGEBYSCORE`; River's models lie in Redis as pickles. All that one claim needs goes in two
pipelines, one to read and add, one to write the models back; the client is the synchronous one with hiredis, because
redis-py's asyncio costs two to four times as much a call. So nothing here is slower than it need be.

What it lacks and Crible has: a claim delivered twice is counted twice, a crash between the two pipelines loses what the
models learned, corrections take nothing out. None of that work is in its figures.

`pickle` is here because River offers nothing else, and because this is how it is done; it reads only what this process
itself wrote to the private Redis of the benchmark, which ends with it. It is used nowhere else in this repository.
"""
