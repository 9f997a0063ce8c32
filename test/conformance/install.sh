#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause-Patent
#
# timeout: 60
# Installs to a prefix, builds a program against it with nothing but pkg-config, and runs it there.
set -eu

scratch=$(mktemp -d "${TMPDIR:-/tmp}/cairn-install.XXXXXXXX")
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
cmake --install "$CAIRN_SOURCE/build/release" --prefix "$scratch/first" >log
# An installed tree may be moved.
mv first prefix
export PKG_CONFIG_LIBDIR=$scratch/prefix/lib/pkgconfig
[ -d "$PKG_CONFIG_LIBDIR" ] || PKG_CONFIG_LIBDIR=$(dirname "$(find prefix -name daos.pc)")

cat >program.c <<'TEXT'
#include <daos.h>
#include <daos_fs.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define TRY(call)                                     \
	do {                                          \
		int rc = (call);                      \
		if (rc) {                             \
			printf("%s: %d\n", #call, rc); \
			return 1;                     \
		}                                     \
	} while (0)

int
main(void)
{
	char text[] = "installed", back[sizeof(text)] = "";
	daos_handle_t pool, cont;
	dfs_t *dfs;
	dfs_obj_t *file;
	d_iov_t iov;
	d_sg_list_t sgl = {.sg_nr = 1, .sg_iovs = &iov};
	daos_size_t size = sizeof(text);

	TRY(daos_init());
	TRY(dfs_init());
	TRY(daos_pool_connect("default", NULL, DAOS_PC_RW, &pool, NULL, NULL));
	TRY(dfs_cont_create_with_label(pool, "files", NULL, NULL, &cont, &dfs));
	TRY(dfs_open(dfs, NULL, "file", S_IFREG | 0644, O_CREAT | O_RDWR, 0, 0, NULL, &file));
	d_iov_set(&iov, text, sizeof(text));
	TRY(dfs_write(dfs, file, &sgl, 0, NULL));
	d_iov_set(&iov, back, sizeof(back));
	TRY(dfs_read(dfs, file, &sgl, 0, &size, NULL));
	TRY(strcmp(text, back));
	TRY(dfs_release(file));
	TRY(dfs_umount(dfs));
	TRY(daos_cont_close(cont, NULL));
	TRY(daos_pool_disconnect(pool, NULL));
	TRY(dfs_fini());
	TRY(daos_fini());
	puts(back);
	return 0;
}
TEXT
cc program.c -o program $(pkg-config --cflags --libs dfs daos) -Wl,-rpath,"$scratch/prefix/lib"
[ "$(DAOS_EMBEDDED=$scratch/data ./program)" = installed ]
DAOS_EMBEDDED=$scratch/data prefix/bin/daos container list default | grep -q files

# Most programs link libdaos and libdfs by name: what DAOS has there must not lie in a library behind them.
odd=$(nm -D --defined-only "$(find prefix -name libdaos_common.so)" | sed -n 's/.* \([^ ]*\)@@DAOS_2$/\1/p' |
	grep -vE '^(daos_(prop|acl|ace)_|daos_rank_list_parse$|daos_hlc2|daos_key_to_text$|tse_)') || true
[ -z "$odd" ] || { echo "These belong into libdaos:" $odd; exit 1; }
