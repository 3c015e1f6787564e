#!/usr/bin/env bash
# Compiles and tests what can be compiled and tested of the app without Gradle and without a phone:
#
#   1. the module `core` and its JUnit 5 tests, which are then run;
#   2. the manifest and resources, by aapt;
#   3. the module `app` with the Compose compiler, against the stubs of Android, Compose, CameraX and LiteRT
#      in `stubs/`, which hold what the app uses and nothing more.
#
#   ./check.sh              all of that
#   ./check.sh --benchmark  times the preparation of a frame instead
#
# It needs Java 17, the package kotlin-compiler of npm (in build/tools, or where KOTLIN_HOME says) and Debian's
# junit5, aapt and android-framework-res:
#
#   apt-get install default-jre-headless junit5 aapt android-framework-res
#   npm install --prefix apps/android/build/tools --ignore-scripts kotlin-compiler@2.4.20
#
# Exit status: 3 if a tool is missing, 1 if something is wrong, 0 otherwise.
set -euo pipefail
cd "$(dirname "$0")"

kotlin=${KOTLIN_HOME:-$PWD/build/tools/node_modules/kotlin-compiler}
junit=/usr/share/java/junit-platform-console-standalone.jar
framework=/usr/share/android-framework-res/framework-res.apk

for file in "$kotlin/lib/kotlin-compiler.jar" "$junit" "$framework"; do
    [[ -e $file ]] || { echo "missing: $file; the head of $PWD/check.sh says what to install" >&2; exit 3; }
done
for tool in java aapt; do
    command -v $tool > /dev/null || { echo "missing: $tool; the head of $PWD/check.sh says what to install" >&2; exit 3; }
done

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

# Only the first of the JVM's compilers: the second never pays for itself in a run this short.
kotlinc() {
    java -Xmx1g -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$kotlin/lib/kotlin-compiler.jar:$kotlin/lib/kotlin-stdlib.jar:$kotlin/lib/kotlin-script-runtime.jar:$kotlin/lib/kotlin-reflect.jar:$kotlin/lib/kotlinx-coroutines-core-jvm.jar:$kotlin/lib/annotations-13.0.jar" \
        org.jetbrains.kotlin.cli.jvm.K2JVMCompiler -kotlin-home "$kotlin" -jvm-target 17 -Werror "$@"
}

echo "core: compiling"
kotlinc -cp "$junit" -d "$out/core" core/src/main/kotlin core/src/test/kotlin
cp ../../skinkeras/tflite/wording.json "$out/core/" # as core/build.gradle.kts has it
classpath=$out/core:core/src/test/resources:$kotlin/lib/kotlin-stdlib.jar

if [[ ${1:-} == --benchmark ]]; then
    java -cp "$classpath" org.skinkeras.core.PreparationBenchmarkKt
    exit
fi

echo "core: testing"
java -Dskinkeras.models=../../tflite_models -jar "$junit" -cp "$classpath" --scan-classpath "$out/core" \
    --fail-if-no-tests --disable-banner --disable-ansi-colors --details=summary

echo "app: manifest and resources"
# Gradle adds the package and obeys tools:node; aapt alone does neither.
sed -e 's/<manifest /<manifest package="org.skinkeras.app" /' -e '/tools:node="remove"/d' \
    app/src/main/AndroidManifest.xml > "$out/AndroidManifest.xml"
mkdir "$out/generated"
aapt package -f -m -M "$out/AndroidManifest.xml" -S app/src/main/res -I "$framework" -J "$out/generated" \
    --min-sdk-version 24 --target-sdk-version 29 -F "$out/app.apk"
permissions=$(aapt dump permissions "$out/app.apk" | grep '^uses-permission' || true)
if [[ $permissions != "uses-permission: name='android.permission.CAMERA'" ]]; then
    echo "The app may ask for the camera and for nothing else. It asks for: $permissions" >&2
    exit 1
fi

echo "app: compiling against the stubs"
kotlinc -Xplugin="$kotlin/lib/compose-compiler-plugin.jar" -cp "$out/core" -d "$out/app" \
    app/src/main/kotlin stubs "$out/generated"
echo "all right"
