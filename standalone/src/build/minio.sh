#!/usr/bin/env bash
# Builds the MinIO server of one version from its Go module, unless it is there already.
#   minio.sh VERSION PROGRAM
set -euo pipefail
version=$1 program=$2

[ -x "$program" ] && exit 0
if ! command -v go >/dev/null; then
  {
    echo "Go is missing, which builds MinIO for the tests on real servers. Install it:"
    echo "  Debian/Ubuntu:  sudo apt-get install golang-go"
    echo "  Fedora:         sudo dnf install golang"
  } >&2
  exit 1
fi
echo "Building MinIO $version once (about 20 minutes on 2 cores) …"
folder=$(dirname "$program")
mkdir -p "$folder"
fresh=$(mktemp -d "$folder/build.XXXXXX")
trap 'rm -rf "$fresh"' EXIT
GOBIN=$fresh go install "github.com/minio/minio@$version"
mv "$fresh/minio" "$program"
