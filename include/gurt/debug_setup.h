/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Facilities and debug bits of log lines. A source file may define D_LOGFAC before it includes
 * anything.
 */
#ifndef __GURT_DEBUG_SETUP_H__
#define __GURT_DEBUG_SETUP_H__

#define DD_FAC(name)	#name

#ifndef D_LOGFAC
#define D_LOGFAC	DD_FAC(misc)
#endif

/** Debug bits; all are written or none (see gurt/dlog.h). */
#define DB_ANY		(1 << 0)
#define DB_TRACE	(1 << 1)
#define DB_MEM		(1 << 2)
#define DB_NET		(1 << 3)
#define DB_IO		(1 << 4)
#define DB_TEST		(1 << 5)
#define DB_ALL		(~0)

#endif /* __GURT_DEBUG_SETUP_H__ */
