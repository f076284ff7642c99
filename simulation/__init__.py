"""A seeded synthetic AMO: people, providers, claims, back office, honest errors, frauds of known truth.

The screener never reads the truth. Nothing here is drawn from real people, providers or price lists.
"""

from simulation.stream import Plan, generate
from simulation.world import World

__all__ = ["Plan", "World", "generate"]
