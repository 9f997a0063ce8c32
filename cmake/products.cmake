# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# Programs and shared libraries from the tables of CMakeLists.txt, and what `cmake --install` puts where.

add_custom_target(products)

# ---- Programs -------------------------------------------------------------------------------------------------------

foreach(row IN LISTS CAIRN_PROGRAMS)
	separate_arguments(row UNIX_COMMAND "${row}")
	list(GET row 0 program)
	list(GET row 1 module)
	list(GET row 2 file)
	set(source ${CMAKE_SOURCE_DIR}/src/${module}/${file})
	if(NOT EXISTS ${source} OR NOT module IN_LIST CAIRN_MODULES)
		continue()
	endif()
	cairn_target(${module} target)
	set(name ${program})
	if(TARGET ${program})
		set(name ${program}_program)
	endif()
	add_executable(${name} ${source})
	target_compile_definitions(${name} PRIVATE MODULE_NAME="${program}")
	target_link_libraries(${name} PRIVATE ${target})
	set_target_properties(${name} PROPERTIES
		OUTPUT_NAME ${program}
		RUNTIME_OUTPUT_DIRECTORY ${CAIRN_OUTPUT}/bin
		ENABLE_EXPORTS OFF
		BUILD_RPATH "$ORIGIN/../lib"
		INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
	add_dependencies(products ${name})
	install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endforeach()

# ---- Shared libraries -----------------------------------------------------------------------------------------------

# Archives of the given module targets that have any source, in `ret_archives` as generator expressions.
function(cairn_archives ret_modules ret_archives)
	set(modules)
	set(archives)
	foreach(target IN LISTS ARGN)
		get_target_property(type ${target} TYPE)
		if(type STREQUAL "STATIC_LIBRARY")
			list(APPEND modules ${target})
			list(APPEND archives $<TARGET_FILE:${target}>)
		endif()
	endforeach()
	set(${ret_modules} ${modules} PARENT_SCOPE)
	set(${ret_archives} ${archives} PARENT_SCOPE)
endfunction()

# First pass: which library holds which module.
set(libraries)
set(all_owned)
foreach(row IN LISTS CAIRN_SHARED_LIBRARIES)
	separate_arguments(row UNIX_COMMAND "${row}")
	list(GET row 0 library)
	list(GET row 1 number_${library})
	list(GET row 2 root)
	list(GET row 3 kind_${library})
	cairn_target(${root} root_${library})
	if(NOT root IN_LIST CAIRN_MODULES)
		continue()
	endif()
	cairn_closure(closure ${root_${library}})
	cairn_archives(closure archives ${closure})
	if(NOT root_${library} IN_LIST closure)
		continue()
	endif()
	set(closure_${library} ${closure})
	set(owned_${library} ${closure})
	if(kind_${library} STREQUAL "owner")
		if(all_owned)
			list(REMOVE_ITEM owned_${library} ${all_owned})
		endif()
		list(APPEND all_owned ${owned_${library}})
	endif()
	list(APPEND libraries ${library})
endforeach()

set(shared ${CMAKE_BINARY_DIR}/shared)
file(MAKE_DIRECTORY ${shared})
set(symbols ${CMAKE_SOURCE_DIR}/cmake/symbols.sh)
# A shared library is all archives and no source of its own, which CMake wants.
file(WRITE ${shared}/empty.c.new "typedef int empty;\n")
file(COPY_FILE ${shared}/empty.c.new ${shared}/empty.c ONLY_IF_DIFFERENT)
file(GLOB_RECURSE installed_headers CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/include/*.h)

if(all_owned)
	cairn_archives(modules archives ${all_owned})
	add_custom_command(OUTPUT ${shared}/rename
		COMMAND sh ${symbols} rename ${CMAKE_SOURCE_DIR}/include ${archives} > ${shared}/rename
		DEPENDS ${modules} ${installed_headers} ${symbols} VERBATIM)
	foreach(module IN LISTS modules)
		add_custom_command(OUTPUT ${shared}/${module}.a
			COMMAND ${CMAKE_OBJCOPY} --redefine-syms=${shared}/rename
				$<TARGET_FILE:${module}> ${shared}/${module}.a
			DEPENDS ${module} ${shared}/rename VERBATIM)
	endforeach()
	# One target for all of them, as several libraries wait for the same list of names.
	list(TRANSFORM modules REPLACE "(.+)" "${shared}/\\1.a" OUTPUT_VARIABLE renamed)
	add_custom_target(renamed_modules DEPENDS ${renamed})
endif()

# Second pass: make them.
foreach(library IN LISTS libraries)
	cairn_archives(modules archives ${owned_${library}})
	set(script ${shared}/lib${library}.map)
	if(kind_${library} STREQUAL "owner")
		add_custom_command(OUTPUT ${script}
			COMMAND sh ${symbols} export ${CMAKE_SOURCE_DIR}/include ${archives} > ${script}
			DEPENDS ${modules} ${installed_headers} ${symbols} VERBATIM)
		list(TRANSFORM modules REPLACE "(.+)" "${shared}/\\1.a" OUTPUT_VARIABLE archives)
		set(waits renamed_modules)
	else()
		add_custom_command(OUTPUT ${script}
			COMMAND sh ${symbols} alone ${library} > ${script} DEPENDS ${symbols} VERBATIM)
		set(waits ${modules})
	endif()
	add_custom_target(lib${library}_map DEPENDS ${script})

	# The rows above that hold what this root needs.
	set(needed)
	set(needed_names)
	foreach(other IN LISTS libraries)
		if(other STREQUAL library)
			break()
		endif()
		if(kind_${library} STREQUAL "owner" AND root_${other} IN_LIST closure_${library})
			list(APPEND needed lib${other})
			string(APPEND needed_names "${other} ")
		endif()
	endforeach()

	set(outside)
	foreach(module IN LISTS CAIRN_MODULES)
		cairn_target(${module} target)
		if(target IN_LIST owned_${library})
			cairn_outside(${module} more)
			list(APPEND outside ${more})
		endif()
	endforeach()

	add_library(lib${library} SHARED ${shared}/empty.c)
	set_target_properties(lib${library} PROPERTIES
		OUTPUT_NAME ${library}
		LIBRARY_OUTPUT_DIRECTORY ${CAIRN_OUTPUT}/lib
		BUILD_WITH_INSTALL_RPATH ON
		INSTALL_RPATH "$ORIGIN"
		LINK_DEPENDS "${script};${archives}")
	if(NOT number_${library} STREQUAL "-")
		set_property(TARGET lib${library} PROPERTY SOVERSION ${number_${library}})
	endif()
	if(CAIRN_PRESET STREQUAL "release")
		target_link_options(lib${library} PRIVATE -Wl,--no-undefined)
	endif()
	target_link_options(lib${library} PRIVATE -Wl,-Bsymbolic -Wl,--version-script=${script} -Wl,--no-as-needed)
	target_link_libraries(lib${library} PRIVATE -Wl,--whole-archive ${archives} -Wl,--no-whole-archive)
	target_link_libraries(lib${library} PRIVATE ${needed} ${outside})
	add_dependencies(lib${library} lib${library}_map ${waits})
	add_dependencies(products lib${library})

	install(TARGETS lib${library} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
	if(kind_${library} STREQUAL "owner")
		# From where the file lies, so that an installed tree may be moved.
		file(RELATIVE_PATH to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
		string(REGEX REPLACE "/$" "" to_prefix "${to_prefix}")
		configure_file(${CMAKE_SOURCE_DIR}/cmake/library.pc.in ${shared}/${library}.pc @ONLY)
		install(FILES ${shared}/${library}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
	endif()
endforeach()

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
