"""Work off the request path: what writes leave owed, and what time brings."""
