"""Frozen values and pure functions: what a memory, a session, a filter and a ranking are. Imports nothing of ours."""
