/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Reads and writes addresses. */
#include "env/linux/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static int
refuse(const char *text)
{
	return error_raise(-DER_INVAL,
			   "'%.100s' is no address: use tcp:HOST:PORT with a numeric host, "
			   "or unix:PATH with a path "
			   "of at most %zu bytes",
			   text, sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
}

static int
parse_port(const char *text, uint16_t *ret_port)
{
	uint32_t port = 0;

	if (*text == '\0')
		return -DER_INVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -DER_INVAL;
		port = port * 10 + (uint32_t)(*text - '0');
		if (port > UINT16_MAX)
			return -DER_INVAL;
	}
	*ret_port = htons((uint16_t)port);
	return 0;
}

static int
parse_tcp(const char *text, struct address *address)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t length = colon ? (size_t)(colon - text) : 0;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&address->storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&address->storage;
	uint16_t port;

	if (length == 0 || length >= sizeof(host) || parse_port(colon + 1, &port))
		return -DER_INVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (host[0] == '[' && host[length - 1] == ']') {
		host[length - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		address->length = sizeof(*v6);
		return inet_pton(AF_INET6, host + 1, &v6->sin6_addr) == 1 ? 0 : -DER_INVAL;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = port;
	address->length = sizeof(*v4);
	if (strcmp(host, "localhost") == 0)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
		return -DER_INVAL;
	return 0;
}

static int
parse_unix(const char *text, struct address *address)
{
	struct sockaddr_un *path = (struct sockaddr_un *)&address->storage;
	size_t length = strlen(text);

	if (length == 0 || length >= sizeof(path->sun_path))
		return -DER_INVAL;
	path->sun_family = AF_UNIX;
	memcpy(path->sun_path, text, length + 1);
	address->length = sizeof(*path);
	return 0;
}

int
address_parse(const char *text, struct address *ret_address)
{
	struct address address;
	int rc = -DER_INVAL;

	memset(&address, 0, sizeof(address));
	if (strncmp(text, "tcp:", 4) == 0)
		rc = parse_tcp(text + 4, &address);
	else if (strncmp(text, "unix:", 5) == 0)
		rc = parse_unix(text + 5, &address);
	if (rc)
		return refuse(text);
	*ret_address = address;
	return 0;
}

void
address_format(const struct address *address, char *text)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address->storage;
	const struct sockaddr_un *path = (const struct sockaddr_un *)&address->storage;
	char host[INET6_ADDRSTRLEN] = "";

	switch (address->storage.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_MAX, "tcp:%s:%u", host, ntohs(v4->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_MAX, "tcp:[%s]:%u", host, ntohs(v6->sin6_port));
		break;
	default:
		snprintf(text, ADDRESS_TEXT_MAX, "unix:%s", path->sun_path);
		break;
	}
}
