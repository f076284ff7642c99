"""The moving parts: loops, transports, the worker and the command line. Joins `schemas`, `state` and `detectors`."""
