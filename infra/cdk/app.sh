#!/bin/sh
# Runs the CDK app for cdk.json from what `mvn -pl infra/cdk compile` left behind: no Maven, no network.
set -eu
cd "$(dirname "$0")"
if [ ! -f target/classpath ]; then
    echo "The CDK app isn't built yet: run mvn -pl infra/cdk compile first." >&2
    exit 1
fi
# Node 20 is one that Sluiceway supports, so jsii's banner about its age would only hide what matters.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION="${JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION:-20}"
# The app lives for seconds: the quick compiler and the small collector are all it needs.
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
    -cp "target/classes:$(cat target/classpath)" io.sluiceway.infra.SluicewayApp
