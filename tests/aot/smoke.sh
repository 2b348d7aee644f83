#!/usr/bin/env bash
# Publishes Guard as a native binary (no warning allowed), starts it with --demo, runs every curl line it prints and checks the answers.
#
#   tests/aot/smoke.sh         the NativeAOT binary
#   tests/aot/smoke.sh --jit   the same checks on the ordinary build (dotnet build -c Release)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
work=$(mktemp -d)
pid=""
failures=0

# On every way out: the process ends and nothing is left behind.
end() {
  if [[ -n "$pid" ]] && kill -0 "$pid" 2> /dev/null; then
    kill -KILL "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  fi
  rm -rf "$work"
}
trap end EXIT

publish_native() {
  local linker=()
  command -v clang > /dev/null 2>&1 || linker=(-p:CppCompilerAndLinker=gcc)
  # What is up to date is not compiled again, and what is not compiled does not warn: everything is built anew, in a folder of its own, by
  # the compiler with its analyzers for trimming and AOT, which an ordinary build leaves out, and by the native one.
  rm -rf artifacts/aot artifacts/aot-build
  echo "publishing the native binary (a minute or two)"
  if ! dotnet publish src/Guard -c Release -p:PublishAot=true -p:ArtifactsPath="$PWD/artifacts/aot-build" ${linker[@]+"${linker[@]}"} \
    -o artifacts/aot -v minimal > "$work/publish.log" 2>&1; then
    cat "$work/publish.log"
    exit 1
  fi
  if grep -iE '\bwarning\b' "$work/publish.log"; then
    echo "the NativeAOT publish must have no warnings"
    exit 1
  fi
  ls -l artifacts/aot/guard
}

case "${1:-}" in
  "") publish_native; guard=(artifacts/aot/guard) ;;
  --jit)
    dotnet build src/Guard -c Release -v quiet
    guard=(dotnet artifacts/bin/Guard/release/guard.dll)
    ;;
  *) echo "smoke.sh: unknown option '$1' (there is only --jit)" >&2; exit 2 ;;
esac

# A loopback port nobody answers on, below the range of outgoing connections.
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 10000))
    if ! (: < "/dev/tcp/127.0.0.1/$port") 2> /dev/null; then
      echo "$port"
      return
    fi
  done
}

gateway=$(free_port)
control=$(free_port)
Kestrel__Endpoints__Gateway__Url="http://127.0.0.1:$gateway" \
  Kestrel__Endpoints__Control__Url="http://127.0.0.1:$control" \
  Guard__Shutdown__Delay=00:00:00 \
  "${guard[@]}" --demo > "$work/guard.log" 2>&1 &
pid=$!

# The lines are written at once, so the last one says that all are there.
printed() { grep -qs '^curl .*/metrics' "$work/guard.log"; }
for ((i = 0; i < 300; i++)); do
  if printed || ! kill -0 "$pid" 2> /dev/null; then
    break
  fi
  sleep 0.1
done
if ! printed; then
  echo "guard printed no curl lines within 30 s, or ended before:"
  cat "$work/guard.log"
  exit 1
fi

# The curl line under "# NAME:".
line_of() { sed -n "/^# $1:/{n;p;q;}" "$work/guard.log"; }

# check NAME MIN_MS MAX_MS PATTERN...: pastes the line, and looks for every pattern in the answer, case aside.
check() {
  local name="$1" min="$2" max="$3" line start took pattern bad=""
  shift 3
  line=$(line_of "$name")
  if [[ "$line" != curl* ]]; then
    echo "FAILED $name: the demo prints no curl line for it"
    failures=$((failures + 1))
    return
  fi
  start=$(date +%s%3N)
  # curl's own 28 (gave up, as asked) is how the endless streams end.
  bash -c "$line" > "$work/answer" 2> "$work/curl.err" || [[ $? == 28 ]] || bad="curl: $(tail -n 1 "$work/curl.err")"
  took=$(($(date +%s%3N) - start))
  for pattern in "$@"; do
    grep -aqiE -- "$pattern" "$work/answer" || bad="$bad no '$pattern';"
  done
  ((took >= min && took <= max)) || bad="$bad took $took ms, not $min to $max;"
  if [[ -n "$bad" ]]; then
    echo "FAILED $name:$bad"
    echo "  $line"
    sed 's/^/  | /' "$work/answer"
    failures=$((failures + 1))
  else
    echo "ok     $name ($took ms)"
  fi
}

ok='^HTTP/1.1 200'
ray='^x-rivet-ray-id: [0-9a-z]{30}'
check forward 0 2000 "$ok" "$ray" '"path":"/hello\?name=a%2Fb"' '"key":"ready"' '"x-rivet-actor-generation":\["1"\]'
check wake 0 5000 "$ok" "$ray" '"path":"/hello"' '"key":"sleeping"'
check hold 2500 10000 "$ok" "$ray" '"key":"slow"'
check serverless 0 5000 "$ok" "$ray" '"path":"/hello"' '"key":"serverless"'
check fail-fast 0 4000 '^HTTP/1.1 503' "$ray" '^x-rivet-error: guard.actor_runner_failed' '^retry-after: [1-9]' '"serverless_http_error"' '"status_code": ?500'
# The first may have been the pool's probe: this one is refused on arrival.
check fail-fast 0 1000 '^HTTP/1.1 503' '^x-rivet-error: guard.actor_runner_failed'
check websocket 0 5000 '^HTTP/1.1 101' '^sec-websocket-accept: ' 'hello from ready'
check events 2000 6000 "$ok" '^content-type: text/event-stream' 'data: tick 1 of ready' 'data: tick 2 of ready'
check pool-health 0 2000 "$ok" '"state": ?"red"' '"status_code": ?500'
check metrics 0 2000 '^guard_requests_total\{.*code="200".*\} [1-9]' '^guard_fail_fast_total\{.*\} [1-9]' '^# HELP guard_held_requests '

kill -TERM "$pid"
status=0
wait "$pid" || status=$?
pid=""
if ((status != 0)); then
  echo "FAILED shutdown: exit code $status after SIGTERM"
  failures=$((failures + 1))
fi
if grep -nE '^(fail|crit): |Unhandled exception|core\.internal_error' "$work/guard.log"; then
  echo "FAILED log: it must have no errors"
  failures=$((failures + 1))
fi
if ((failures > 0)); then
  echo "guard's output:"
  cat "$work/guard.log"
  exit 1
fi
echo "smoke passed"
