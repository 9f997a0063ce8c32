/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Profiling has no public interface; the header is there for programs that include it. */
#ifndef __DAOS_PROFILE_H__
#define __DAOS_PROFILE_H__

#endif /* __DAOS_PROFILE_H__ */
