#!/usr/bin/env bash
# A real Apache Kafka on this machine, for experiments and tests: one process (broker and
# KRaft controller), or two, loopback only, no container. Needs Java 17 and Maven.
#   kafka.sh jars               fetch Kafka's jars by artifact name (once) and print their folder
#   kafka.sh start DIR [PORT [PROPERTIES]]
#                               start a broker that keeps its data in DIR (PORT 9092), with the lines of the file
#                               PROPERTIES in its configuration; returns when it responds
#   kafka.sh join DIR FIRST PORT [PROPERTIES]
#                               start a second broker, in the cluster of the broker in FIRST
#   kafka.sh stop DIR           stop that broker
set -euo pipefail

version=4.4.0
cache=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/kafka
jars=$cache/$version

fetch() {
  [ -f "$jars/complete" ] && return
  command -v mvn >/dev/null || { echo "kafka: mvn was not found: install Maven" >&2; exit 1; }
  echo "fetching Apache Kafka $version" >&2
  mkdir -p "$cache"
  local work; work=$(mktemp -d "$cache/fetch.XXXXXX")
  # shellcheck disable=SC2064  # expand work now, not at exit
  trap "rm -rf '$work'" EXIT
  cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cachenet</groupId><artifactId>kafka</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version>
  </dependency><dependency>
    <groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version>
  </dependency></dependencies>
</project>
POM
  mvn -q -B -f "$work/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$work/jars" >&2
  touch "$work/jars/complete"
  rm -rf "$jars" && mv "$work/jars" "$jars"
}

# run CLASS ARGS…: a Kafka tool
run() { java -Xmx256m -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$jars/*" "$@"; }

# start DIR [PORT [PROPERTIES]]: the first broker of a cluster, which is its controller too
start() {
  local dir=$1 port=${2:-9092} more=${3:-/dev/null}
  fetch
  prepare "$dir"
  cat >"$dir/server.properties" <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
log.dirs=$(absolute "$dir")/data
num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
$(cat "$more")
CONF
  local cluster; cluster=$(cluster_of "$dir") || cluster=$(run kafka.tools.StorageTool random-uuid)
  launch "$dir" "$port" "$cluster" --standalone
}

# join DIR FIRST PORT [PROPERTIES]
join() {
  local dir=$1 first=$2 port=$3 more=${4:-/dev/null}
  fetch
  prepare "$dir"
  local cluster; cluster=$(cluster_of "$first") || { echo "kafka: $first: no broker runs there" >&2; exit 1; }
  cat >"$dir/server.properties" <<CONF
process.roles=broker
node.id=2
$(grep -E '^controller\.' "$first/server.properties")
listeners=PLAINTEXT://127.0.0.1:$port
log.dirs=$(absolute "$dir")/data
$(cat "$more")
CONF
  launch "$dir" "$port" "$cluster"
}

cluster_of() { sed -n 's/^cluster.id=//p' "$1/data/meta.properties" 2>/dev/null; }

absolute() { (cd "$1" && pwd); }

# prepare DIR: for a broker, unless one runs there
prepare() {
  command -v java >/dev/null || { echo "kafka: java was not found: install Java 17 or newer" >&2; exit 1; }
  mkdir -p "$1"
  if [ -f "$1/pid" ] && kill -0 "$(cat "$1/pid")" 2>/dev/null; then
    echo "kafka: $1: a broker runs there already: stop it first" >&2; exit 1
  fi
}

# launch DIR PORT CLUSTER [ARG]: starts a broker by DIR/server.properties; an empty folder is formatted for CLUSTER
launch() {
  local dir=$1 port=$2 cluster=$3
  if [ ! -f "$dir/data/meta.properties" ]; then
    run kafka.tools.StorageTool format -t "$cluster" -c "$dir/server.properties" "${@:4}" >"$dir/log" 2>&1 ||
      { tail -n 3 "$dir/log" >&2; exit 1; }
  fi
  java -Xmx512m -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp "$jars/*" kafka.Kafka "$dir/server.properties" >>"$dir/log" 2>&1 &
  echo $! >"$dir/pid"
  for _ in $(seq 300); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && { echo "127.0.0.1:$port"; return; }
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -n 5 "$dir/log" >&2; exit 1; }
    sleep 0.2
  done
  echo "kafka: no response within 60 s: see $dir/log" >&2; exit 1
}

stop() {
  local pid; pid=$(cat "$1/pid" 2>/dev/null) || { echo "kafka: $1: no broker runs there" >&2; exit 1; }
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 150); do kill -0 "$pid" 2>/dev/null || { rm -f "$1/pid"; return; }; sleep 0.2; done
  echo "kafka: process $pid still runs after 30 s" >&2; exit 1
}

case "${1:-}" in
  jars) fetch; echo "$jars" ;;
  start) [ $# -ge 2 ] || { echo "kafka.sh start DIR [PORT [PROPERTIES]]" >&2; exit 2; }; start "${@:2}" ;;
  join) [ $# -ge 4 ] || { echo "kafka.sh join DIR FIRST PORT [PROPERTIES]" >&2; exit 2; }; join "${@:2}" ;;
  stop) [ $# -eq 2 ] || { echo "kafka.sh stop DIR" >&2; exit 2; }; stop "$2" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
