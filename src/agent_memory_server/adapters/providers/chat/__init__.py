"""Chat models: one client per wire format, and what holds for all of them around it."""
