#!/bin/sh
# Makes build/{{name}}.wasm. COMPONENTIZE_PY names another componentize-py than that of .venv.
set -e
cd "$(dirname "$0")"
if [ -z "$COMPONENTIZE_PY" ]; then
    COMPONENTIZE_PY=.venv/bin/componentize-py
    if [ ! -x "$COMPONENTIZE_PY" ]; then
        python3 -m venv .venv
        .venv/bin/pip install --quiet --requirement requirements.txt
    fi
fi
mkdir -p build
"$COMPONENTIZE_PY" --wit-path wit --world message-hook componentize --stub-wasi app --output build/{{name}}.wasm
