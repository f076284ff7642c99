"""How good the detectors are: a simulated year through the real loop, its answers held against its truth."""
