/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Addresses of engines. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

#include "server/address.h"

static bool
starts_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

bool
address_is_loopback(const char *address)
{
	if (starts_with(address, "unix:"))
		return true;
	if (!starts_with(address, "tcp:"))
		return false;
	address += strlen("tcp:");
	return starts_with(address, "127.") || starts_with(address, "[::1]:") ||
	       starts_with(address, "localhost:");
}

static int
format_address(const char *host, uint32_t port, char ret_address[ADDRESS_TEXT])
{
	if (snprintf(ret_address, ADDRESS_TEXT, "tcp:%s:%u", host, port) >= ADDRESS_TEXT)
		return error_raise(-DER_OVERFLOW, "the host name %.40s... is too long", host);
	return 0;
}

int
address_of_interface(const char *interface, uint32_t port, char ret_address[ADDRESS_TEXT])
{
	char host[INET_ADDRSTRLEN] = "";
	struct in_addr numbers;
	struct ifaddrs *all;

	if (inet_pton(AF_INET, interface, &numbers) == 1)
		return format_address(interface, port, ret_address);
	if (getifaddrs(&all) < 0)
		return error_raise(-DER_MISC, "cannot list the network interfaces: %m");
	for (const struct ifaddrs *at = all; at && !host[0]; at = at->ifa_next) {
		struct sockaddr_in address;

		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
		    strcmp(at->ifa_name, interface) != 0)
			continue;
		memcpy(&address, at->ifa_addr, sizeof(address));
		inet_ntop(AF_INET, &address.sin_addr, host, sizeof(host));
	}
	freeifaddrs(all);
	if (!host[0])
		return error_raise(-DER_NONEXIST, "no network interface %s with an IPv4 address",
				   interface);
	return format_address(host, port, ret_address);
}
