#!/usr/bin/env bash
# Builds and checks everything, from a fresh clone, on a machine that has only the .NET SDK.
#
#   ./test.sh           all of it: build, format, tests, allocation budgets, NativeAOT publish and smoke
#   ./test.sh --quick   without budgets and NativeAOT
#
# Exit code 0 only when every step passed and tests ran. Totals are left in artifacts/test-results/totals.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

quick=false
for argument in "$@"; do
  case "$argument" in
    --quick) quick=true ;;
    -h | --help) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) echo "test.sh: unknown option '$argument' (there is only --quick)" >&2; exit 2 ;;
  esac
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 MSBUILDDISABLENODEREUSE=1
results="$PWD/artifacts/test-results"
rm -rf "$results"
mkdir -p "$results"
passed=0
failed=0
skipped=0
broken=() # steps that failed, by name

say() { printf '\n== %s\n' "$*"; }

# Status of a step whose failures are failed tests, which the totals have already.
tests_failed=3

# Runs one step; remembers its failure and goes on.
step() {
  local name="$1" start=$SECONDS status=0
  shift
  say "$name"
  "$@" || status=$?
  if ((status == 0)); then
    echo "-- $name: ok ($((SECONDS - start)) s)"
    return
  fi
  echo "-- $name: FAILED ($((SECONDS - start)) s)"
  ((status == tests_failed)) || broken+=("$name")
}

finish() {
  say "totals"
  local name
  for name in ${broken[@]+"${broken[@]}"}; do
    echo "failed step: $name"
    failed=$((failed + 1))
  done
  if ((passed + failed == 0)); then
    echo "no test ran" >&2
    broken+=("no test ran")
  fi
  echo "skipped $skipped, took $SECONDS s"
  echo "$passed passed, $failed failed" | tee "$results/totals"
  ((failed == 0 && ${#broken[@]} == 0))
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
  install curl curl ca-certificates
  install redis-server redis-server
  if ! $quick; then
    # The NativeAOT linker needs a C compiler and zlib.
    command -v clang > /dev/null 2>&1 || install gcc gcc libc6-dev
    install /usr/include/zlib.h zlib1g-dev
  fi
  dotnet --version
}

build() { dotnet restore Guard.sln && dotnet build Guard.sln -c Release --no-restore -warnaserror -v quiet; }

# The third part of dotnet format, the analyzers, has run in the build, where each of their warnings is an error. White space needs no
# compiler.
format() {
  local status=0
  dotnet format whitespace . --folder --verify-no-changes --exclude artifacts || status=$?
  dotnet format style Guard.sln --verify-no-changes --no-restore || status=$?
  return "$status"
}

# Adds a project's counters to the totals. A run that left no counters, or counted nothing, has failed.
count() {
  local trx="$1" counters total p f
  counters=$(grep -o '<Counters [^>]*>' "$trx" 2> /dev/null | head -n 1) || true
  total=$(attribute total "$counters")
  p=$(attribute passed "$counters")
  f=$(attribute failed "$counters")
  passed=$((passed + p))
  failed=$((failed + f))
  skipped=$((skipped + total - p - f))
  echo "$(basename "$trx" .trx): $p passed, $f failed, $((total - p - f)) skipped"
  ((total > 0))
}

attribute() {
  local value
  value=$(sed -n "s/.*[ ]$1=\"\([0-9]*\)\".*/\1/p" <<< "$2")
  echo "${value:-0}"
}

# A project that has no test yet is an empty room, not a failure: it must say so by having no [Fact] or [Theory] in its source.
has_tests() { grep -rqE '\[(Fact|Theory)' --include='*.cs' "$1"; }

test_project() {
  local folder="$1" name status=0
  name=$(basename "$folder")
  if ! has_tests "$folder"; then
    echo "$name has no tests yet"
    return 0
  fi
  dotnet test "$folder" -c Release --no-build --results-directory "$results" \
    --logger "trx;LogFileName=$name.trx" --logger "console;verbosity=minimal" \
    --blame-hang-timeout 5m --blame-hang-dump-type none || status=$?
  local failed_before=$failed
  if ! count "$results/$name.trx"; then
    echo "$name: no test ran" >&2
    return 1
  fi
  if ((failed > failed_before)); then
    return "$tests_failed"
  fi
  # A run that broke without a failed test (a crash, a hang) is a failed step.
  return "$status"
}

budgets() { dotnet run -c Release --no-build --project bench/Guard.Benchmarks -- --check-budgets; }

smoke() { tests/aot/smoke.sh; }

step "set-up" setup
if ((${#broken[@]} > 0)); then
  finish
  exit 1
fi
step "build" build
if ((${#broken[@]} > 0)); then
  finish
  exit 1
fi
step "format" format
for folder in tests/*/; do
  folder=${folder%/}
  if compgen -G "$folder/*.csproj" > /dev/null; then
    step "tests: $(basename "$folder")" test_project "$folder"
  fi
done
if ! $quick; then
  step "allocation budgets" budgets
  step "NativeAOT publish and smoke" smoke
fi
finish
