/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The version as all programs print it. */
#include <daos_version.h>
#include <stdio.h>

#include "tools/output.h"
#include "tools/version.h"

#define TEXT_OF(number) TEXT_OF_VALUE(number)
#define TEXT_OF_VALUE(number) #number

const char *
version_text(void)
{
	return TEXT_OF(DAOS_VERSION_MAJOR) "." TEXT_OF(DAOS_VERSION_MINOR) "." TEXT_OF(
		DAOS_VERSION_FIX);
}

json_object *
version_object(const char *name, const char *title)
{
	json_object *object = json_object_new_object();

	json_object_object_add(object, "program", json_text(name));
	json_object_object_add(object, "name", json_text(title));
	json_object_object_add(object, "version", json_text(version_text()));
	return object;
}
