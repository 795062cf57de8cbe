# Sourced by scripts that need a real Kafka and Apache Flink, both on this machine: starts them, and stops them when the script ends.
# Sets brokers, flink (flags of cachenet run: where Flink is) and work, a temporary folder that has Flink's process ids in flink/*.pid.
# shellcheck shell=bash disable=SC2034  # the scripts read them

# port: one that is free and whose two followers are
port() {
  python3 - <<'PY'
import socket
while True:
    held = [socket.socket() for _ in range(3)]
    try:
        held[0].bind(("127.0.0.1", 0))
        port = held[0].getsockname()[1]
        for i in (1, 2):
            held[i].bind(("127.0.0.1", port + i))
        print(port)
        break
    except OSError:
        pass
PY
}

work=$(mktemp -d)
# shellcheck disable=SC2329  # called by the trap
cleanup() {
  [ -d "$work/flink" ] && scripts/flink.sh stop "$work/flink"
  [ -f "$work/kafka/pid" ] && scripts/kafka.sh stop "$work/kafka"
  rm -rf "$work"
}
trap cleanup EXIT

scripts/kafka.sh jars >/dev/null
scripts/flink.sh jars >/dev/null
echo "starting Kafka and Flink" >&2
brokers=127.0.0.1:$(port)
scripts/kafka.sh start "$work/kafka" "${brokers##*:}" >/dev/null
service=127.0.0.1:$(port)
scripts/flink.sh start "$work/flink" "${service##*:}"
flink=(--runner flink --endpoint "$service" --flink-rest "127.0.0.1:$((${service##*:} + 2))" --checkpoints 2s)
