"""The command line: one module per command group, which parses, calls and prints."""

import os

# The threads that compute belong to whoever needs them; a pool of the linear algebra's own would spin beside them.
# It is read when numpy is first imported, by a command.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
