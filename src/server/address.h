/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Which addresses may be listened on without encryption. Pure. */
#pragma once

#include "base/base.h"

/* Room for an address as text, with its terminator. */
#define ADDRESS_TEXT 128

/* Whether only this machine can reach it: a Unix socket, or TCP on a loopback address. */
bool address_is_loopback(const char *address);

/*
 * The text for an interface or host and a port: "lo" or "127.0.0.1" and 31416 give
 * "tcp:127.0.0.1:31416". Looks the interface's first IPv4 address up. -DER_NONEXIST when there is
 * no such interface with an address.
 */
MUST_USE int address_of_interface(const char *interface, uint32_t port,
				  char ret_address[ADDRESS_TEXT]);
