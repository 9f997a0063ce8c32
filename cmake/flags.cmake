# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Compiler flags: the warnings all code keeps, and what each preset adds.

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

find_program(CAIRN_CCACHE ccache)
mark_as_advanced(CAIRN_CCACHE)
if(CAIRN_CCACHE AND NOT CMAKE_C_COMPILER_LAUNCHER)
	set(CMAKE_C_COMPILER_LAUNCHER ${CAIRN_CCACHE})
endif()

set(flags_dev -O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
set(flags_release -O2 -fno-semantic-interposition)
set(flags_tsan -O1 -fsanitize=thread)
set(flags_coverage -O0 --coverage)
set(flags_fuzz -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
set(flags_sim -O2 -DCAIRN_MARKS=1)

if(NOT DEFINED flags_${CAIRN_PRESET})
	message(FATAL_ERROR "CAIRN_PRESET is '${CAIRN_PRESET}'; it may be dev, release, tsan, coverage, fuzz or sim")
endif()
if(CAIRN_PRESET STREQUAL "fuzz" AND NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
	message(FATAL_ERROR "the fuzz preset needs clang: configure with -DCMAKE_C_COMPILER=clang")
endif()

# Presets replace CMAKE_BUILD_TYPE: asserts stay on in every one of them.
set(CMAKE_BUILD_TYPE "" CACHE STRING "unused: see CAIRN_PRESET" FORCE)

# Visibility stays at its default: the shared libraries name their symbols by version script and bind their own calls
# with -Bsymbolic (cmake/products.cmake), which a hidden symbol could not take part in.
#
# Frame pointers stay: backtraces and profiles are worth more than the register.
add_compile_options(-g -fno-omit-frame-pointer ${flags_${CAIRN_PRESET}})
add_link_options(${flags_${CAIRN_PRESET}})
add_compile_definitions(_GNU_SOURCE=)
add_compile_options(
	-Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wundef -Wvla -Werror
	$<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes>
	$<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
)

# The release products stand in build/bin and build/lib, those of other presets in their own binary directory.
if(CAIRN_PRESET STREQUAL "release" AND CMAKE_BINARY_DIR STREQUAL "${CMAKE_SOURCE_DIR}/build/release")
	set(CAIRN_OUTPUT ${CMAKE_SOURCE_DIR}/build)
else()
	set(CAIRN_OUTPUT ${CMAKE_BINARY_DIR})
endif()

# Release and sim make products only, unless asked.
if(CAIRN_PRESET MATCHES "^(release|sim|fuzz)$")
	set(CAIRN_TESTS_DEFAULT OFF)
else()
	set(CAIRN_TESTS_DEFAULT ON)
endif()
