# Sourced by jobmanager and taskmanager: finds Flink and a JVM, and becomes the process.

# run_flink NAME MAIN_CLASS "JVM OPTIONS" [WORK_DIR [-Dkey=value]...]
run_flink() {
  local name=$1 main_class=$2 memory=$3
  shift 3
  if [[ $# -lt 1 || $1 == -* ]]; then
    echo "Usage: $name WORK_DIR [-Dkey=value]..." >&2
    exit 64
  fi
  local home java=java work_dir=$1
  shift
  home=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  if [[ ! -d $home/target/flink/lib ]]; then
    echo "Flink isn't laid out: run 'make build' or 'mvn -q -pl local/flink package' first." >&2
    exit 69
  fi
  if [[ -n ${JAVA_HOME:-} ]]; then
    java=$JAVA_HOME/bin/java
  fi
  mkdir -p "$work_dir/tmp"
  cd "$work_dir"
  work_dir=$(pwd)
  export FLINK_PLUGINS_DIR=$home/target/flink/plugins

  local options=(
    # The access that Flink's own start scripts open.
    --add-exports=java.base/sun.net.util=ALL-UNNAMED
    --add-exports=java.rmi/sun.rmi.registry=ALL-UNNAMED
    --add-exports=java.security.jgss/sun.security.krb5=ALL-UNNAMED
    --add-opens=java.base/java.io=ALL-UNNAMED
    --add-opens=java.base/java.lang=ALL-UNNAMED
    --add-opens=java.base/java.lang.reflect=ALL-UNNAMED
    --add-opens=java.base/java.net=ALL-UNNAMED
    --add-opens=java.base/java.nio=ALL-UNNAMED
    --add-opens=java.base/java.text=ALL-UNNAMED
    --add-opens=java.base/java.time=ALL-UNNAMED
    --add-opens=java.base/java.util=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent.atomic=ALL-UNNAMED
    --add-opens=java.base/java.util.concurrent.locks=ALL-UNNAMED
    --add-opens=java.base/sun.nio.ch=ALL-UNNAMED
    # A cluster here lives for minutes: the second compiler and the parallel collector would cost more than they bring.
    -XX:TieredStopAtLevel=1
    -XX:+UseSerialGC
    # What newer JDKs warn about and Flink does on purpose.
    --enable-native-access=ALL-UNNAMED
    --sun-misc-unsafe-memory-access=allow
    -Djava.net.preferIPv4Stack=true
    # Since JDK 25 a machine with two cores has one thread for all CompletableFutures (JDK-8362881). Flink blocks there.
    -Djava.util.concurrent.ForkJoinPool.common.parallelism=8
    # Uploaded jars, blobs and spilled data stay in the working directory.
    "-Djava.io.tmpdir=$work_dir/tmp"
    "-Dlog.file=$work_dir/$name.log"
    "-Dlog4j.configurationFile=file:$home/conf/log4j2.properties"
  )
  # The sizes are words for the JVM, so they are split here.
  # shellcheck disable=SC2086
  exec "$java" $memory "${options[@]}" -cp "$home/target/flink/lib/*" "$main_class" --configDir "$home/conf" "$@"
}
