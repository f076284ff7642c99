"""The wire: every message on Crible's topics as a typed, frozen struct, validated when it is decoded.

This room knows the form of messages and nothing else: no state, no opinion on what a message means, no I/O
beyond a key file and the generated documents. Every other room may import it; it imports none.
"""
