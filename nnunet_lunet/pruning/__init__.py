"""Channels that leave a network while it trains: which can, which do, when, and taking them out."""
