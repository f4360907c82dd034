"""A child process of ours ends when the one that started it is gone, whatever ended that."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading


def end_with_parent() -> None:
    """From now on SIGTERM reaches this process when its parent is gone. Nothing happens in a process that
    `multiprocessing` did not start."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def wait() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()
