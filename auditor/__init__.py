"""Check a telecom operator's declared network against the Circular 107 (2024) pilot."""

__version__ = "0.1.0"
