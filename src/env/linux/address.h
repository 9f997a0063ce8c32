/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Addresses of the native transport as text and as the kernel has them. Pure. Private to env/linux.
 */
#pragma once

#include <sys/socket.h>

#include "base/base.h"

/* Room for an address as text, with its terminator. */
#define ADDRESS_TEXT_MAX 128u

struct address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/*
 * Reads "tcp:127.0.0.1:10001", "tcp:[::1]:10001", "tcp:localhost:10001" or "unix:/path".
 * -DER_INVAL, also for a path that the kernel or ADDRESS_TEXT_MAX has no room for.
 */
MUST_USE int address_parse(const char *text, struct address *ret_address);

/* Writes it in the same form; text has ADDRESS_TEXT_MAX bytes. */
void address_format(const struct address *address, char *text);

static inline bool
address_local(const struct address *address)
{
	return address->storage.ss_family == AF_UNIX;
}
