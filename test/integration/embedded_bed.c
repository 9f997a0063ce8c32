/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See embedded_bed.h. */
#include <dlfcn.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embedded_bed.h"

void
embedded_library_open(void)
{
	const char *folder = getenv("CAIRN_LIB");
	char path[512];

	snprintf(path, sizeof(path), "%s/libdaos_embedded.so", folder ? folder : ".");
	if (dlopen(path, RTLD_NOW | RTLD_LOCAL) == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
}

void
embedded_directory_make(struct embedded_bed *bed)
{
	const char *base = getenv("TMPDIR");
	char data[sizeof(bed->directory) + 8];

	snprintf(bed->directory, sizeof(bed->directory), "%s/cairn-test-XXXXXX",
		 base ? base : "/tmp");
	assert_non_null(mkdtemp(bed->directory));
	snprintf(data, sizeof(data), "%s/data", bed->directory);
	setenv("DAOS_EMBEDDED", data, 1);
}

static int
remove_one(const char *path, const struct stat *status, int flag, struct FTW *where)
{
	(void)status;
	(void)flag;
	(void)where;
	return remove(path);
}

void
embedded_directory_remove(struct embedded_bed *bed)
{
	nftw(bed->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
embedded_up(struct embedded_bed *bed)
{
	int rc;

	assert_ok(daos_init());
	assert_ok(daos_pool_connect("default", NULL, DAOS_PC_RW, &bed->pool, NULL, NULL));
	rc = daos_cont_create_with_label(bed->pool, "test", NULL, NULL, NULL);
	assert_true(rc == 0 || rc == -DER_EXIST);
	assert_ok(daos_cont_open(bed->pool, "test", DAOS_COO_RW, &bed->container, NULL, NULL));
}

void
embedded_down(struct embedded_bed *bed)
{
	assert_ok(daos_cont_close(bed->container, NULL));
	assert_ok(daos_pool_disconnect(bed->pool, NULL));
	assert_ok(daos_fini());
}

daos_obj_id_t
embedded_oid(struct embedded_bed *bed, uint64_t number, enum daos_otype_t type,
	     daos_oclass_id_t class)
{
	daos_obj_id_t oid = {.lo = number};

	assert_ok(daos_obj_generate_oid(bed->container, &oid, type, class, 0, 0));
	return oid;
}
