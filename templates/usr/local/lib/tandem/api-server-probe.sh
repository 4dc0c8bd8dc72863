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
pki=/etc/tandem/pki/kubernetes
exec curl --disable --silent --show-error --fail --output /dev/null --max-time 2 \
    --cacert $pki/ca.crt --cert $pki/probe.crt --key $pki/probe.key "https://127.0.0.1:6443/$path"
