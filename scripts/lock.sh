#!/usr/bin/env bash
# Resolve requirements/*.in into requirements/*.txt: every platform, Python 3.11 and newer, with hashes and with no
# address of any package index. Pins stay as they are where the ranges still hold; `--upgrade` moves all of them,
# `--upgrade-package NAME` one.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
[ -x "$uv" ] || { echo "run \`make lock\`: it installs uv first" >&2; exit 1; }
compile=("$uv" pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header --no-annotate)

"${compile[@]}" "$@" requirements/run.in --output-file requirements/run.txt
"${compile[@]}" "$@" requirements/dev.in --constraints requirements/run.txt --output-file requirements/dev.txt

if grep -nE 'https?:|file:|--(extra-)?index-url|--find-links' requirements/*.txt; then
  echo "an address got into the lock files" >&2
  exit 1
fi
