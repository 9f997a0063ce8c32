#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Which lines the tests of some modules run: their unit, model and contract tests, and those of the store under power
# cuts. The last lines are the per cent of each module; it fails where one is below the goal.
#
#   coverage.sh [MODULE...]     default: media vos
#
# BUILD: the folder to build in (build/coverage). GOAL: per cent (90). SECONDS_EACH: for tests that take a budget (10).
# LINES=1 lists the lines that nothing ran.

set -u
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
build=${BUILD:-build/coverage}
goal=${GOAL:-90}
modules=("${@:-media}")
[ $# -gt 0 ] || modules=(media vos)

mkdir -p "$build"
if [ ! -f "$build/build.ninja" ]; then
	cmake -S . -B "$build" -G Ninja -DCAIRN_PRESET=coverage >"$build/configure.log" 2>&1 || {
		cat "$build/configure.log"
		exit 1
	}
fi
targets=()
for kind in unit model contract; do
	for module in "${modules[@]}" crash; do
		[ -d "test/$kind/$module" ] && targets+=("${kind}_${module//\//_}")
	done
done
ninja -C "$build" --quiet "${targets[@]}" || exit 1
find "$build" -name '*.gcda' -delete
failed=0
for target in "${targets[@]}"; do
	CAIRN_TEST_SECONDS=${SECONDS_EACH:-10} ctest --test-dir "$build" -R "^${target}_test_" -j "$(nproc)" \
		--timeout 300 --output-on-failure >"$build/$target.log" 2>&1 || {
		grep -E 'Failed|Timeout|\*\*\*' "$build/$target.log"
		failed=1
	}
done

# percent MODULE: what gcov says of its own files, one after the other, then the sum.
percent() {
	local module=$1 objects
	mapfile -t objects < <(find "$build" -name '*.gcda' -path "*/${module//\//_}.dir/*" | sort)
	[ ${#objects[@]} -gt 0 ] || return 1
	gcov --stdout "${objects[@]}" 2>/dev/null |
		awk -v folder="/src/$module/" -v lines="${LINES:-}" -v module="$module" '
		function close_file() {
			if (file != "" && count > 0)
				printf "%-40s %5.1f %% of %5d lines%s\n", file, 100 * done / count, count,
					lines != "" ? missed : ""
			file = ""
		}
		/^ *-: *0:Source:/ {
			close_file()
			sub(/.*Source:/, "")
			at = index($0, folder)
			if (at > 0 && /\.c$/) { file = substr($0, at + 1); count = done = 0; missed = "" }
			next
		}
		file == "" || /^ *-:/ { next }
		{
			split($0, part, ":")
			count++; all++
			if (part[1] ~ /[#=]/) missed = missed " " part[2] + 0
			else { done++; ran++ }
		}
		END { close_file(); printf "%s %.1f %% of %d lines\n", module, 100 * ran / (all ? all : 1), all }'
}

for module in "${modules[@]}"; do
	line=$(percent "$module") || { echo "no coverage of $module" >&2; exit 1; }
	echo "$line"
	tail -n 1 <<<"$line" | awk -v goal="$goal" '{ exit !($2 + 0 >= goal) }' || failed=1
done
exit $failed
