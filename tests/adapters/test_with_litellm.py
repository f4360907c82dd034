"""The providers of the extra `litellm`: their tests run with the real package, where an environment has it too."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environments import python_with
from tests.support.processes import BOUND_S

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FILES = (
    "tests/adapters/chat/test_litellm_chat.py",
    "tests/adapters/test_encodings.py",
    "tests/adapters/test_litellm_embeddings.py",
)


@pytest.mark.skipif(importlib.util.find_spec("litellm") is not None, reason="the tests run right here")
def test_the_providers_of_the_extra_are_served_by_the_real_package() -> None:
    python = python_with(HERE / "requirements-litellm.txt")
    # What that environment lacks comes from this one; what both have is of the same version.
    env = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    env["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    line = [str(python), "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *FILES]
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True, timeout=BOUND_S, check=False)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-1000:]}"
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None, done.stdout
    assert int(passed[1]) >= len(FILES)
