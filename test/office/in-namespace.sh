#!/bin/sh
# Stands in for a browser's executable: the same, inside a network namespace. Pipes to it stay as they are.
exec ip netns exec "$NEARCAST_NAMESPACE" "$NEARCAST_CHROMIUM" "$@"
