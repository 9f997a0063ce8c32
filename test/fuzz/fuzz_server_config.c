/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The configuration file: accepted, or refused with a sentence. */
#include <stdlib.h>

#include "server/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char message[512] = "", *text = malloc(size + 1);
	struct config config;
	int rc;

	if (!text)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	rc = config_read("file", text, size, message, sizeof(message), &config);
	if (rc != 0) {
		ASSERT(message[0] != '\0' && strnlen(message, sizeof(message)) < sizeof(message));
	} else {
		ASSERT(strnlen(config.name, CONFIG_TEXT) < CONFIG_TEXT);
		ASSERT(strnlen(config.scm_mount, CONFIG_TEXT) < CONFIG_TEXT);
	}
	free(text);
	return 0;
}
