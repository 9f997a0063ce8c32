#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause-Patent
# Each installed header compiles alone, as C99 and as C++17, and declares the functions that
# test/golden/public-functions.txt says it declares.
root=$(cd "$(dirname "$0")/../.." && pwd)
golden=$root/test/golden/public-functions.txt
warnings="-Wall -Wextra -Wshadow -Wpointer-arith -Wundef -Werror"
failed=0
clang=$(command -v clang++)

compile() { # text, what, compiler and options
	text=$1 what=$2
	shift 2
	if ! printf '%s\n' "$text" | "$@" $warnings -fsyntax-only -I"$root/include" -; then
		echo "headers: $what does not compile with $1" >&2
		failed=1
	fi
}

for path in $(cd "$root/include" && find . -name '*.h' | sed 's,^\./,,' | LC_ALL=C sort); do
	functions=$(awk -v h="$path" '$2 == h { printf "(void (*)(void))%s, ", $1 }' "$golden")
	include="#include <$path>
#include <stddef.h>"
	table="void (*const declared[])(void) = {$functions NULL};"
	compile "$include" "$path" gcc -std=c99 -D_GNU_SOURCE -Wstrict-prototypes -x c
	compile "$include" "$path" g++ -std=c++17 -x c++
	if [ "$clang" ]; then
		compile "$include" "$path" clang -std=c99 -D_GNU_SOURCE -Wstrict-prototypes -x c
		compile "$include" "$path" clang++ -std=c++17 -x c++
	fi
	compile "$include

$table" "$path (functions)" gcc -std=gnu17 -Wno-cast-function-type -Wno-deprecated-declarations -x c
done
exit $failed
