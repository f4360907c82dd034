"""Settings in, running parts out: the only code that knows every concrete class."""
