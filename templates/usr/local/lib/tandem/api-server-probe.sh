#!/bin/sh
# Asks this node's API server whether it lives, or is ready; for keepalived, and for whoever waits.
set -eu
case ${1:-} in
    # Without the datastore it can do nothing, and starting it again would not help.
    livez) path="livez?exclude=etcd" ;;
    readyz) path=readyz ;;
    *)
        echo "usage: $0 livez|readyz" >&2
        exit 2
        ;;
esac
# shellcheck source=/dev/null
. /etc/tandem/kubernetes/probe.env
exec curl --disable --silent --show-error --fail --output /dev/null --max-time 2 \
    --cacert "$CA" --cert "$CERTIFICATE" --key "$KEY" "https://127.0.0.1:6443/$path"
