#!/usr/bin/env bash
# Create or refresh .venv: `scripts/setup.sh run` for the server, `scripts/setup.sh dev` with the development tools.
# Does nothing when .venv already holds what the requirement files and the project files ask for.
set -euo pipefail
cd "$(dirname "$0")/.."

kind="${1:-run}"
case "$kind" in run | dev) ;; *) echo "usage: scripts/setup.sh [run|dev]" >&2; exit 2 ;; esac
venv=.venv
own=(clients/python models/minilm .) # the distributions of this repository

find_python() { # a Python this project supports; PYTHON overrides the search
  local candidate
  for candidate in "${PYTHON:-}" python3.11 python3.12 python3.13 python3 python; do
    [ -n "$candidate" ] || continue
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      echo "$candidate"
      return
    fi
  done
  echo "Python 3.11 or newer is needed and was not found; set PYTHON to its path." >&2
  exit 1
}

wanted() { # one line that changes when an installation is due: the interpreter, the place, the files
  "$1" - "$2" <<'PY'
import hashlib, os, pathlib, sys

digest = hashlib.sha256(f"{sys.version_info[:3]} {os.getcwd()}".encode())
for name in (f"requirements/{sys.argv[1]}.txt", "pyproject.toml", "clients/python/pyproject.toml",
             "models/minilm/pyproject.toml", "src/agent_memory_server/__init__.py", "scripts/setup.sh"):
    path = pathlib.Path(name)
    digest.update(path.read_bytes() if path.exists() else b"")
print(digest.hexdigest())
PY
}

installed() { # does .venv work, and was it made from these files?
  [ -x "$venv/bin/python" ] || return 1
  [ -s "$venv/installed-$1" ] && [ "$(cat "$venv/installed-$1")" = "$(wanted "$venv/bin/python" "$1" 2>/dev/null)" ]
}

if installed dev || { [ "$kind" = run ] && installed run; }; then
  exit 0
fi

if ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
  python=$(find_python)
  echo "Creating $venv with $("$python" --version) ..."
  rm -rf "$venv"
  "$python" -m venv "$venv" || { echo "On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
fi

rm -f "$venv"/installed-*
pip=("$venv/bin/python" -m pip --disable-pip-version-check --no-input install -qq)
echo "Installing the pinned packages of requirements/$kind.txt ..."
"${pip[@]}" --require-hashes -r "requirements/$kind.txt"
# build isolation off: the build tools are among the pinned packages
"${pip[@]}" --no-deps --no-build-isolation "${own[@]/#/--editable=./}"
wanted "$venv/bin/python" "$kind" >"$venv/installed-$kind"
