"""Declarations of what the server tells about itself: log events and their form."""
