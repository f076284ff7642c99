"""Pure detectors over a claim, its windows and the payer's tables, and the decision they lead to.

No Kafka, no Redis, no clock in here; `streams` gives the context and publishes the answer.
"""
