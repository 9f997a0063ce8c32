/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The RPC layer has no public interface; the header gives the types that programs take from it. */
#ifndef __CRT_API_H__
#define __CRT_API_H__

#include <cart/types.h>

#endif /* __CRT_API_H__ */
