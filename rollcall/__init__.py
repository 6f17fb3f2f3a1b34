"""Rollcall: face recognition for school attendance."""

__version__ = "0.1.0"
