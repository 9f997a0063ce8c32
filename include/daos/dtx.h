/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Distributed transactions have no public interface but daos_api.h; the header is there for
 * programs that include it.
 */
#ifndef __DAOS_DTX_H__
#define __DAOS_DTX_H__

#endif /* __DAOS_DTX_H__ */
