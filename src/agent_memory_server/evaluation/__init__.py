"""How well a running server finds things: conversations in, questions asked, figures out. A client of the REST API."""
