"""Models for people who do not have this package."""
