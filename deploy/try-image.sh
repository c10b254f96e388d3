#!/bin/sh
# Starts an image as strictly as an engine can, waits for its health check, stops it: what CI asks of
# every build.    deploy/try-image.sh hookgram:ci
set -eu
token=123456:AAF0-this_is_a_token_of_the_tests_only
id=$(docker run --detach --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
    --user 12345:12345 --env BOT_TOKEN=$token "$1")
trap 'docker logs "$id"; docker rm --force --volumes "$id" > /dev/null' EXIT

health() { docker inspect --format '{{.State.Health.Status}}' "$id"; }
tries=0
until [ "$(health)" = healthy ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 60 ] || { echo "not healthy after a minute"; exit 1; }
    sleep 1
done

docker stop --time 40 "$id" > /dev/null
ended=$(docker inspect --format '{{.State.ExitCode}}' "$id")
[ "$ended" = 0 ] || { echo "it ended with $ended instead of 0"; exit 1; }
echo "healthy, and stopped with 0"
