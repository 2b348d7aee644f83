#!/usr/bin/env bash
# Builds and checks, from a fresh clone, on a machine that has only the .NET SDK.
#
#   ./test.sh fast   the inner loop: build, tests in process on the Memory store, 200 seeds of the simulation
#   ./test.sh        everything: also formatting, Redis, scenarios with real processes, 3,000 seeds, allocation budgets, NativeAOT
#   ./test.sh long   everything, then an hour and more of what finds rare bugs: 100,000 seeds and 65,000 mutated connections from where
#                    the last run ended on (GUARD_SEEDS and GUARD_FUZZ_CONNECTIONS say how many)
#
# Exit code 0 only when every step passed and tests ran. In artifacts/test-results are the totals (totals), and the time of each step and of
# the slowest tests (times).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

tier=all
case "$*" in
  "") ;;
  fast | long) tier=$1 ;;
  -h | --help) sed -n '2,11s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
  *) echo "test.sh: '$*' is not a tier: none, fast or long" >&2; exit 2 ;;
esac

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
results="$PWD/artifacts/test-results"
rm -rf "$results"
mkdir -p "$results"

# Written by steps that may run side by side: a line per step with its seconds, and a line per step that failed for another reason than a
# failed test.
times="$results/times"
broken="$results/broken"
: > "$times"
: > "$broken"

say() { printf '\n== %s\n' "$*"; }

# Status of a step whose failures are failed tests, which the totals have from the test results.
tests_failed=3

# Runs one step; remembers its failure and its time, and goes on.
step() {
  local name="$1" start=$SECONDS status=0
  shift
  say "$name"
  "$@" || status=$?
  printf '%6d s  %s\n' "$((SECONDS - start))" "$name" >> "$times"
  if ((status == 0)); then
    echo "-- $name: ok ($((SECONDS - start)) s)"
    return
  fi
  echo "-- $name: FAILED ($((SECONDS - start)) s)"
  ((status == tests_failed)) || echo "$name" >> "$broken"
}

# Adds up the results of all test projects, and ends the run.
finish() {
  local passed=0 failed=0 skipped=0 name trx p f s
  for trx in "$results"/*.trx; do
    [[ -e "$trx" ]] || continue
    read -r p f s <<< "$(counters "$trx")"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  done
  slowest >> "$times"
  say "times"
  cat "$times"
  say "totals"
  while read -r name; do
    echo "failed step: $name"
    failed=$((failed + 1))
  done < "$broken"
  local any=$((passed + failed))
  ((any > 0)) || echo "no test ran" >&2
  echo "skipped $skipped, took $SECONDS s"
  echo "$passed passed, $failed failed" | tee "$results/totals"
  ((any > 0 && failed == 0)) && exit 0
  exit 1
}

slowest() {
  compgen -G "$results/*.trx" > /dev/null || return 0
  echo
  echo "the slowest tests:"
  # duration="00:01:02.3456789" and testName="…" of each result, in whatever order they stand.
  grep -h '<UnitTestResult ' "$results"/*.trx |
    sed -n 's/.* duration="\([0-9:.]*\)".*/\1 &/p' |
    sed 's/^\([0-9]*\):\([0-9]*\):\([0-9.]*\) .* testName="\([^"]*\)".*/\1 \2 \3 \4/' |
    awk '{ seconds = $1 * 3600 + $2 * 60 + $3; $1 = $2 = $3 = ""; printf "%8.1f s %s\n", seconds, $0 }' |
    sort -rn | awk 'NR <= 40' | sed 's/&quot;/"/g; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g'
}

# install COMMAND-OR-FILE PACKAGE...: installs Debian packages when the command or file is missing.
install() {
  local wanted="$1"
  shift
  if [[ "$wanted" == /* ]]; then
    [[ -e "$wanted" ]] && return 0
  else
    command -v "$wanted" > /dev/null 2>&1 && return 0
  fi
  local as_root=()
  if ((EUID != 0)); then
    if ! command -v sudo > /dev/null 2>&1 || ! sudo -n true 2> /dev/null; then
      echo "test.sh: '$wanted' is missing and cannot be installed without root: install the package(s) $* by hand." >&2
      echo "         What needs it will fail." >&2
      return 0
    fi
    as_root=(sudo -n)
  fi
  if ! command -v apt-get > /dev/null 2>&1; then
    echo "test.sh: '$wanted' is missing and there is no apt-get: install what provides $* by hand. What needs it will fail." >&2
    return 0
  fi
  if [[ -z "${apt_updated:-}" ]]; then
    ${as_root[@]+"${as_root[@]}"} apt-get update -q
    apt_updated=1
  fi
  # env: sudo drops the environment. A service that starts by itself would sit on a port the tests may want.
  ${as_root[@]+"${as_root[@]}"} env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -q --no-install-recommends "$@" ||
    echo "test.sh: installing $* failed: what needs it will fail." >&2
}

setup() {
  if ! command -v dotnet > /dev/null 2>&1; then
    echo "test.sh: the .NET SDK is missing (global.json says which)" >&2
    return 1
  fi
  install redis-server redis-server
  if [[ "$tier" != fast ]]; then
    install curl curl ca-certificates
    # The NativeAOT linker needs a C compiler and zlib.
    command -v clang > /dev/null 2>&1 || install gcc gcc libc6-dev
    install /usr/include/zlib.h zlib1g-dev
  fi
  dotnet --version
}

# TieredPGO: the compiler runs for a minute, too short a time to earn back what instrumenting it costs.
build() { dotnet restore Guard.sln && DOTNET_TieredPGO=0 dotnet build Guard.sln -c Release --no-restore -warnaserror -v quiet; }

# The other two parts of dotnet format, style and analyzers, have run in the build, where each of their warnings is an error. White space
# needs no compiler.
format() { dotnet format whitespace . --folder --verify-no-changes --exclude artifacts; }

# Passed, failed and skipped tests of one result file; zeros when there is none.
counters() {
  local line total p f
  line=$(grep -o '<Counters [^>]*>' "$1" 2> /dev/null | head -n 1) || true
  total=$(attribute total "$line")
  p=$(attribute passed "$line")
  f=$(attribute failed "$line")
  echo "$p $f $((total - p - f))"
}

attribute() {
  local value
  value=$(sed -n "s/.*[ ]$1=\"\([0-9]*\)\".*/\1/p" <<< "$2")
  echo "${value:-0}"
}

# test_project FOLDER [RESULT-NAME [ARGUMENT...]]: a run that left no counters, or counted nothing, has failed.
test_project() {
  local folder="$1" name="${2:-$(basename "$1")}" status=0 p f s
  dotnet test "$folder" -c Release --no-build --results-directory "$results" \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
    --blame-hang-timeout 10m --blame-hang-dump-type none "${@:3}" || status=$?
  read -r p f s <<< "$(counters "$results/$name.trx")"
  echo "$name: $p passed, $f failed, $s skipped"
  if ((p + f + s == 0)); then
    echo "$name: no test ran" >&2
    return 1
  fi
  ((f == 0)) || return "$tests_failed"
  # A run that broke without a failed test (a crash, a hang) is a failed step.
  return "$status"
}

# Those that have tests: Guard.TestSupport has none.
test_projects() {
  local project
  for project in tests/*/*.csproj; do
    ! grep -rqE '\[(Fact|Theory)' --include='*.cs' "$(dirname "$project")" || dirname "$project"
  done
}

seeds() { dotnet artifacts/bin/Guard.Simulation/release/Guard.Simulation.dll --seeds "$@"; }

budgets() { dotnet artifacts/bin/Guard.Benchmarks/release/Guard.Benchmarks.dll --check-budgets; }

smoke() { tests/aot/smoke.sh; }

# What waits for processes, and what computes, side by side: neither needs both processors all the time.
in_process() {
  local folder
  for folder in $(test_projects); do
    case "$folder" in
      */Guard.Scenarios) ;;
      */Guard.Simulation)
        if [[ "$tier" == fast ]]; then
          step "simulation: 200 seeds" seeds 200
        else
          step "tests: Guard.Simulation" test_project "$folder"
        fi
        ;;
      *Storage*)
        if [[ "$tier" == fast ]]; then
          step "tests: $(basename "$folder"), Memory" test_project "$folder" "$(basename "$folder")" --filter "FullyQualifiedName!~Redis"
        else
          step "tests: $(basename "$folder")" test_project "$folder"
        fi
        ;;
      *) step "tests: $(basename "$folder")" test_project "$folder" ;;
    esac
  done
}

# Runs the function beside what follows, up to joined, which shows what it printed.
beside() {
  "$1" > "$results/$1.log" 2>&1 &
  beside_name=$1 beside_pid=$!
}

joined() {
  wait "$beside_pid" || true
  cat "$results/$beside_name.log"
}

long() {
  # Where the last long run ended, so that each one sees something new.
  local state=artifacts/long-from from
  from=$(cat "$state" 2> /dev/null || echo 100000)
  local more="${GUARD_SEEDS:-100000}" connections="${GUARD_FUZZ_CONNECTIONS:-65000}"
  step "simulation: $more seeds from $from" seeds "$more" --from "$from"
  GUARD_FUZZ_SEED=$from GUARD_FUZZ_CONNECTIONS=$connections step "mutated requests: $connections connections from $from" \
    test_project tests/Guard.Scenarios Guard.Scenarios.Fuzz --filter "FullyQualifiedName~MutatedRequestTests"
  echo "$((from + (more > connections ? more : connections)))" > "$state"
}

step "set-up" setup
[[ ! -s "$broken" ]] || finish
step "build" build
[[ ! -s "$broken" ]] || finish
if [[ "$tier" == fast ]]; then
  in_process
  finish
fi
beside in_process
step "tests: Guard.Scenarios" test_project tests/Guard.Scenarios
step "format" format
step "NativeAOT publish and smoke" smoke
joined
step "allocation budgets" budgets
[[ "$tier" != long ]] || long
finish
