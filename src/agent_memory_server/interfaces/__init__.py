"""The doors of the product: each validates a request, calls one operation and converts the result."""
