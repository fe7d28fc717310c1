#!/bin/sh
# Builds the testing guests that are not written in Rust: `build.sh [javascript] [python]`, both by default.
#
# The components are target/foreign/<language>.wasm, and so is everything they are made with: toolchains, caches of the
# package managers, copies of the sources. Nothing is fetched or built when the sources, the versions and wit/ are as
# they were. Ends with 3 when a toolchain cannot be had on this machine, and with 1 when a guest does not build.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
workspace=$(cd "$here/../../.." && pwd)
mkdir -p "${CARGO_TARGET_DIR:-$workspace/target}/foreign"
target=$(cd "${CARGO_TARGET_DIR:-$workspace/target}/foreign" && pwd)

say() { printf '• %s\n' "$*"; }
missing() { printf 'missing: %s\n' "$*" >&2; exit 3; }

# What a guest is made of, as one number.
inputs() { (cd "$workspace" && find "functions/testing/foreign/$1" "$here/build.sh" wit -type f | LC_ALL=C sort | xargs cksum | cksum); }

# A file in one piece: a build that is interrupted leaves no half of one behind.
place() { mv "$target/$1.wasm.part" "$target/$1.wasm" && inputs "$1" > "$target/$1.inputs"; }

build_javascript() {
    command -v node >/dev/null 2>&1 && command -v npm >/dev/null 2>&1 ||
        missing 'node and npm, version 18 or newer (https://nodejs.org, or: apt-get install nodejs npm)'
    major=$(node -p 'process.versions.node.split(".")[0]')
    [ "$major" -ge 18 ] || missing "node 18 or newer; this is $(node --version)"
    src=$target/javascript
    mkdir -p "$src"
    rm -f "$src"/*.js
    cp "$here"/javascript/* "$src"
    if ! cmp -s "$src/package-lock.json" "$src/node_modules/.fetched"; then
        say 'fetching the toolchain of the guest in JavaScript (215 MB unpacked, into target/foreign)'
        npm ci --prefix "$src" --cache "$target/npm" --no-audit --no-fund --ignore-scripts --loglevel=error >&2 ||
            missing 'the npm packages of functions/testing/foreign/javascript/package-lock.json; they could not be fetched'
        cp "$src/package-lock.json" "$src/node_modules/.fetched"
        rm -rf "$target/npm"
    fi
    say 'building the guest in JavaScript'
    # The program writes nothing, and answers no requests. `stdio` would bring the file system with it.
    (cd "$src" && node_modules/.bin/componentize-js guest.js --wit "$workspace/wit" --world-name durable-blocking \
        --disable stdio --disable fetch-event --out "$target/javascript.wasm.part")
    place javascript
}

build_python() {
    command -v python3 >/dev/null 2>&1 && python3 -m pip --version >/dev/null 2>&1 ||
        missing 'python3 with pip, version 3.9 or newer (https://www.python.org, or: apt-get install python3-pip)'
    src=$target/python
    rm -rf "$src/source"
    mkdir -p "$src/source"
    cp "$here"/python/*.py "$src/source"
    if ! cmp -s "$here/python/requirements.txt" "$src/toolchain/.fetched"; then
        say 'fetching the toolchain of the guest in Python (50 MB unpacked, into target/foreign)'
        rm -rf "$src/toolchain"
        PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check --no-cache-dir --only-binary=:all: --require-hashes \
            --target "$src/toolchain" --requirement "$here/python/requirements.txt" >&2 ||
            missing 'the wheel of functions/testing/foreign/python/requirements.txt; it could not be fetched'
        cp "$here/python/requirements.txt" "$src/toolchain/.fetched"
    fi
    say 'building the guest in Python'
    # Without `--stub-wasi` every program imports the file system and sockets.
    PYTHONPATH="$src/toolchain" python3 "$src/toolchain/bin/componentize-py" --quiet \
        --wit-path "$workspace/wit" --world durable-blocking \
        componentize --stub-wasi --python-path "$src/source" --output "$target/python.wasm.part" guest
    place python
}

for language in ${*:-javascript python}; do
    if [ -f "$target/$language.wasm" ] && [ "$(inputs "$language")" = "$(cat "$target/$language.inputs" 2>/dev/null)" ]; then
        continue
    fi
    "build_$language"
done
