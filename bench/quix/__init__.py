"""The quixstreams build: the subset with `quixstreams` and its own state (RocksDB), in an environment of its own.

`quixstreams` asks for an older confluent-kafka than Crible's, so that both cannot be installed together: `make bench`
sets `.venv-bench` up from `bench/requirements.txt`, and lends it River and orjson from Crible's.

Nothing slows it down unduly: all claims bear one message key, so that beneficiaries, executors and acts lie in one
state store without the repartition topics that a store a key needs; there are no changelog topics; state values are
pickles, which C writes faster than Python writes JSON; executors keep two days of arrivals and counts a day, instead of
every arrival.
"""
