#!/usr/bin/env bash
# Apache Flink with Beam's job service on this machine, for experiments and tests: loopback only, no
# container. Needs Java 11 or 17 and Maven.
#   flink.sh jars                    fetch the jars by artifact name (once) and print their folder
#   flink.sh start DIR [PORT [N]]    start N task managers (1) of two slots each, and the job service at PORT (8099),
#                                    with their files in DIR; Flink's own REST service is at PORT + 2. It returns
#                                    when all respond.
#   flink.sh taskmanager DIR NUMBER  start that task manager of a cluster (again)
#   flink.sh stop DIR                stop all of it
# DIR/*.pid are the processes, DIR/*.log their output. If OWNER_PID names a process, everything is also stopped when that
# process ends.
set -euo pipefail

# The parts of the all-in-one jar beam-runners-flink-*-job-server, which not every mirror of Maven Central has.
flink=1.19
beam=2.70.0
service=2.65.0 # the newest beam-runners-java-job-service that every mirror has
jars=${CACHENET_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/cachenet}/flink/$flink-$beam-$service

die() { echo "flink: $*" >&2; exit 1; }

fetch() {
  [ -f "$jars/.complete" ] && return
  command -v mvn >/dev/null || die "mvn was not found: install Maven"
  mkdir -p "$(dirname "$jars")"
  echo "fetching Flink $flink and Beam $beam" >&2
  local work; work=$(mktemp -d "$(dirname "$jars")/fetch.XXXXXX")
  # shellcheck disable=SC2064  # expand work now, not at exit
  trap "rm -rf '$work'" EXIT
  cat > "$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>cachenet</groupId><artifactId>flink</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-flink-$flink</artifactId><version>$beam</version></dependency>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-runners-java-job-service</artifactId><version>$service</version></dependency>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-sdks-java-harness</artifactId><version>$beam</version></dependency>
    <dependency><groupId>org.apache.beam</groupId><artifactId>beam-sdks-java-expansion-service</artifactId><version>$beam</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>2.0.16</version></dependency>
  </dependencies>
</project>
POM
  mvn -q -B -f "$work/pom.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
    -DoutputDirectory="$work/jars" -DincludeScope=runtime >&2 || die "could not fetch the jars: see above"
  touch "$work/jars/.complete"
  rm -rf "$jars" && mv "$work/jars" "$jars"
}

opens=()
for p in lang net io nio lang.reflect text time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=("--add-opens=java.base/java.$p=ALL-UNNAMED")
done
opens+=(--add-opens=java.base/sun.nio.ch=ALL-UNNAMED --add-exports=java.base/sun.net.util=ALL-UNNAMED)

# launch DIR NAME HEAP CLASS ARGS…: a separate process, which outlives this script
launch() {
  local dir=$1 name=$2 heap=$3; shift 3
  setsid java "${opens[@]}" "-Xmx$heap" -Dorg.slf4j.simpleLogger.showDateTime=true "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss" \
    -cp "$jars/*" "$@" > "$dir/$name.log" 2>&1 < /dev/null &
  echo $! > "$dir/$name.pid"
}

# await DIR NAME TEXT: until its log contains TEXT
await() {
  for _ in $(seq 360); do # 3 minutes: JVMs start slowly on a busy machine
    grep -q "$3" "$1/$2.log" && return
    kill -0 "$(cat "$1/$2.pid")" 2>/dev/null || break
    sleep 0.5
  done
  tail -n 5 "$1/$2.log" >&2
  die "$2 did not start: see $1/$2.log"
}

cluster() { # DIR RPC REST N
  local dir=$1 rpc=$2 rest=$3 n=$4
  mkdir -p "$dir/conf"
  cat > "$dir/conf/flink-conf.yaml" <<CONF
jobmanager.rpc.address: 127.0.0.1
jobmanager.rpc.port: $rpc
jobmanager.bind-host: 127.0.0.1
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: $rest
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.numberOfTaskSlots: 2
taskmanager.cpu.cores: 1.0
taskmanager.memory.task.heap.size: 256m
taskmanager.memory.task.off-heap.size: 64m
taskmanager.memory.framework.heap.size: 128m
taskmanager.memory.framework.off-heap.size: 128m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 128m
taskmanager.memory.jvm-overhead.max: 128m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.managed.size: 128m
state.checkpoints.dir: file://$dir/checkpoints
io.tmp.dirs: $dir/tmp
process.working-dir: $dir/working
restart-strategy: failure-rate
restart-strategy.failure-rate.max-failures-per-interval: 10
restart-strategy.failure-rate.failure-rate-interval: 10 min
restart-strategy.failure-rate.delay: 1 s
heartbeat.interval: 2000
heartbeat.timeout: 10000
classloader.resolve-order: parent-first
CONF
  launch "$dir" jobmanager 768m org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint \
    --configDir "$dir/conf" --host 127.0.0.1
  await "$dir" jobmanager "Rest endpoint listening"
  for i in $(seq "$n"); do taskmanager "$dir" "$i"; done
}

taskmanager() { # DIR NUMBER
  launch "$1" "taskmanager-$2" 640m org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$1/conf" \
    -D taskmanager.resource-id="taskmanager-$2"
  await "$1" "taskmanager-$2" "Successful registration at resource manager"
}

start() {
  local dir=$1 port=${2:-8099} n=${3:-1}
  fetch
  command -v java >/dev/null || die "java was not found: install Java 17"
  mkdir -p "$dir" && dir=$(cd "$dir" && pwd)
  if [ -n "${OWNER_PID:-}" ]; then
    setsid "$0" guard "$dir" "$OWNER_PID" >/dev/null 2>&1 </dev/null &
  fi
  cluster "$dir" $((port + 1)) $((port + 2)) "$n"
  launch "$dir" jobservice 1g org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master "127.0.0.1:$((port + 2))" \
    --job-host 127.0.0.1 --job-port "$port" --artifact-port 0 --expansion-port 0 --artifacts-dir "$dir/artifacts"
  await "$dir" jobservice "JobService started"
}

stop() {
  local pid
  for pid in "$1"/*.pid; do
    [ -f "$pid" ] || continue
    kill "$(cat "$pid")" 2>/dev/null || true
    for _ in $(seq 50); do kill -0 "$(cat "$pid")" 2>/dev/null || break; sleep 0.1; done
    kill -9 "$(cat "$pid")" 2>/dev/null || true
    rm "$pid"
  done
}

# guard DIR PID: stop when that process ends
guard() {
  while kill -0 "$2" 2>/dev/null; do sleep 1; done
  stop "$1"
}

case "${1:-}" in
  jars) fetch; echo "$jars" ;;
  start) [ $# -ge 2 ] || die "start DIR [PORT [N]]"; start "${@:2}" ;;
  taskmanager) [ $# -eq 3 ] || die "taskmanager DIR NUMBER"; fetch; taskmanager "$(cd "$2" && pwd)" "$3" ;;
  guard) guard "$2" "$3" ;;
  stop) [ $# -eq 2 ] || die "stop DIR"; stop "$2" ;;
  *) sed -n '2,11s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
