/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Debug bits of the client libraries. */
#ifndef __DAOS_DEBUG_H__
#define __DAOS_DEBUG_H__

#include <gurt/debug.h>

#define DB_MD		(1 << 8)
#define DB_PL		(1 << 9)
#define DB_MGMT		(1 << 10)
#define DB_EPC		(1 << 11)
#define DB_DF		(1 << 12)
#define DB_REBUILD	(1 << 13)
#define DB_SEC		(1 << 14)
#define DB_CSUM		(1 << 15)

#endif /* __DAOS_DEBUG_H__ */
