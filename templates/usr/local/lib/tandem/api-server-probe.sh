#!/bin/sh
# Asks this node's API server whether it lives, or is ready, whether one that is ready answers at the address of the API, or one of
# the managers whether it works; for keepalived, and for whoever waits.
set -eu
# shellcheck source=/dev/null
. /etc/tandem/kubernetes/probe.env
case ${1:-} in
    # Without the datastore it can do nothing, and starting it again would not help.
    livez) url="https://127.0.0.1:6443/livez?exclude=etcd" ;;
    readyz) url="https://127.0.0.1:6443/readyz" ;;
    address) url="https://$ADDRESS/readyz" ;;
    kube-controller-manager) url="https://127.0.0.1:10257/healthz" ;;
    kube-scheduler) url="https://127.0.0.1:10259/healthz" ;;
    *)
        echo "usage: $0 livez|readyz|address|kube-controller-manager|kube-scheduler" >&2
        exit 2
        ;;
esac
exec curl --disable --noproxy '*' --silent --show-error --fail --output /dev/null --max-time 2 \
    --cacert "$CA" --cert "$CERTIFICATE" --key "$KEY" "$url"
