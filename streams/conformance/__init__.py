"""What Crible needs of a broker, as checks that any broker can be put to: embedded, Apache Kafka, a user's own.

`check` says what a check is, `ground` is where it may work; `topics`, `records`, `groups` and `transactions`
hold the checks by subject, `suite` runs them, `report` tells the outcome, `limits` lists what the embedded
broker is known not to do.
"""
