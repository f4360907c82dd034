"""Sends what a curl line of the documentation sends, on machines with and without curl; a refusal is exit status 22."""

from __future__ import annotations

import argparse
import sys

import httpx2


def main() -> int:
    """Print the body of the answer. Unknown options are errors, so that an example uses no others unnoticed."""
    parser = argparse.ArgumentParser(prog="curl", allow_abbrev=False)
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("url")
    asked = parser.parse_args()
    headers = dict(header.split(": ", 1) for header in asked.headers)
    method = asked.method or ("GET" if asked.data is None else "POST")
    with httpx2.Client(trust_env=False, timeout=60) as http:
        answer = http.request(method, asked.url, headers=headers, content=asked.data)
    sys.stdout.write(answer.text + "\n")
    return 22 if answer.is_error else 0


if __name__ == "__main__":
    sys.exit(main())
