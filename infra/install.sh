#!/bin/sh
# Installs scb-mirror's executable for this machine, after a look at its checksum:
#   sh install.sh [-f RELEASE] [FOLDER]
# RELEASE is where its files are: an address, or a folder. FOLDER is by default /usr/local/bin.
set -eu

version=@VERSION@
from=@RELEASE@

fail() {
  echo "install.sh: $*" >&2
  exit 1
}

while getopts f: option; do
  case $option in
    f) from=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
to=${1:-/usr/local/bin}

[ "$(uname -s)" = Linux ] || fail "there is an executable for Linux only: use npm install -g scb-mirror"
case $(uname -m) in
  x86_64) processor=x64 ;;
  aarch64 | arm64) processor=arm64 ;;
  *) fail "there is no executable for $(uname -m): use npm install -g scb-mirror" ;;
esac
[ -n "$from" ] || fail "say where the release is: sh install.sh -f FOLDER"

file=scb-mirror-$version-linux-$processor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in "$file" SHA256SUMS; do
  case $from in
    https://*) curl -fsSL --proto =https -o "$work/$name" "$from/$name" || fail "could not fetch $from/$name" ;;
    *://*) fail "only https:// is trusted: $from" ;;
    *) cp "$from/$name" "$work/$name" || fail "there is no $name in $from" ;;
  esac
done

(cd "$work" && grep -F "  $file" SHA256SUMS | sha256sum --check --strict --status) ||
  fail "the checksum of $file is not the one in SHA256SUMS: nothing was installed"

mkdir -p "$to"
install -m 0755 "$work/$file" "$to/scb-mirror"
echo "installed $("$to/scb-mirror" --version) as $to/scb-mirror"
