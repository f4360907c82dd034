"""One module per part of the API; each adds its routes to a router."""
