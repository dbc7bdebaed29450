#!/usr/bin/env bash
# Fill holes by a model server that runs elsewhere:
#
#   bash examples/restore.sh examples/request.json > response.json
#
# A request is {"inputs": {"images": [...], "holes": [...]}}: images with rows, columns and channels
# of whole numbers from 0 to 255, holes with 1 where a pixel is missing. The response is
# {"predictions": [...]}, or an error with a message that says what is allowed.
set -euo pipefail
request=${1:?the file of a request}
[ -r "$request" ] || { echo "no such file: $request" >&2; exit 1; }
curl --silent --show-error --fail-with-body \
  --header 'Content-Type: application/json' \
  --data "@$request" \
  "${2:-http://127.0.0.1:5001}/invocations"
