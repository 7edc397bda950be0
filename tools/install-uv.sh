#!/bin/sh
# Install uv into the cache, in its own environment: sh tools/install-uv.sh CACHE
#
# uv must exist before this project's own Python can run; everything else is installed by
# `python -m testbed.preparation`.
set -eu
cache=$1
# With hashes: an index can serve nothing else.
requirements=$(dirname "$0")/uv-requirements.txt

if ! command -v python3 >/dev/null; then
  echo "missing program python3: it runs this project (install with: apt-get install python3 python3-venv)" >&2
  exit 1
fi
# Debian ships the venv module in a separate package.
if ! python3 -c 'import ensurepip' 2>/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "installing python3-venv"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -qq -y --no-install-recommends python3-venv >/dev/null 2>&1 || {
      apt-get update -qq
      apt-get install -qq -y --no-install-recommends python3-venv >/dev/null
    }
  else
    echo "missing Python module ensurepip: it creates Python environments (install with: apt-get install python3-venv)" >&2
    exit 1
  fi
fi
echo "installing uv into $cache/uv"
rm -rf "$cache/uv"
python3 -m venv "$cache/uv"
"$cache/uv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement "$requirements"
mkdir -p "$cache/tools/bin"
ln -sfn ../../uv/bin/uv "$cache/tools/bin/uv"
