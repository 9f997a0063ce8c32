/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The configuration file: what is taken, and what is refused where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "server/config.h"

static int
read_text(const char *text, char message[512], struct config *config)
{
	message[0] = '\0';
	return config_read("f.yml", text, strlen(text), message, 512, config);
}

static void
test_values(void **state)
{
	struct config config;
	char message[512];

	(void)state;
	assert_int_equal(0, read_text("name: one\n"
				      "port: 10002\n"
				      "mgmt_svc_replicas: [a, b, c]\n"
				      "transport_config:\n  allow_insecure: true\n"
				      "engine_auto_restart_min_delay: 7\n"
				      "engines:\n- targets: 3\n  fabric_iface: lo\n"
				      "  fabric_iface_port: 31500\n  env_vars: [A=1]\n"
				      "  spdk_iobuf: {small_pool_count: 3}\n"
				      "  storage:\n  - class: file\n    scm_mount: /data\n",
				      message, &config));
	assert_string_equal("one", config.name);
	assert_true(config.allow_insecure);
	assert_int_equal(7, config.engine_auto_restart_min_delay);
	assert_int_equal(3, config.targets);
	assert_string_equal("lo", config.fabric_iface);
	assert_int_equal(31500, config.fabric_iface_port);
	assert_string_equal("/data", config.scm_mount);
	assert_int_equal(1, config.engines);
	assert_int_equal(3, config.ms_replicas);
}

static void
test_empty(void **state)
{
	static const char *const texts[] = {"",	     "\n",	"# only\n# comments\n",
					    "---\n", "name:\n", "engines:\n"};
	struct config config;
	char message[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(0, read_text(texts[i], message, &config));
		assert_string_equal("", config.name);
		assert_int_equal(0, config.targets);
	}
}

struct refusal {
	const char *text, *message;
};

static void
test_refusals(void **state)
{
	static const struct refusal refusals[] = {
		{"nmae: x\n", "f.yml:1:1: unknown key `nmae' in the file: did you mean `name'?"},
		{"name: x\nengines:\n- targts: 1\n",
		 "f.yml:3:3: unknown key `targts' in engines[]: did you mean `targets'?"},
		{"transport_config:\n  insecure: true\n",
		 "f.yml:2:3: unknown key `insecure' in transport_config; the nearest is "},
		{"engines:\n- storage:\n  - clas: ram\n",
		 "f.yml:3:5: unknown key `clas' in engines[].storage[]: did you mean `class'?"},
		{"engines[]: 1\n", "f.yml:1:1: unknown key `engines[]'"},
		{"port: 0\n", "f.yml:1:7: port: `0' is no number from 1 to 65535"},
		{"port: 18446744073709551617\n", "f.yml:1:7: port: "},
		{"port: [1]\n", "f.yml:1:7: port: one value is meant"},
		{"transport_config:\n  allow_insecure: maybe\n",
		 "f.yml:2:19: transport_config.allow_insecure: `maybe' is neither true nor false"},
		{"control_log_mask: LOUD\n", "f.yml:1:19: control_log_mask: `LOUD' is none of: "},
		{"mgmt_svc_replicas: a\n", "f.yml:1:20: mgmt_svc_replicas: not a list"},
		{"mgmt_svc_replicas: [a, b]\n", "f.yml:1:1: mgmt_svc_replicas: 2 hosts"},
		{"engines: 3\n", "f.yml:1:10: engines: not a list"},
		{"engines: [3]\n", "f.yml:1:11: keys with values are meant here"},
		{"engines:\n- targets: 1\n- targets: 1\n", "f.yml:1:1: 2 engines"},
		{"name: a\nname: b\n", "f.yml:2:1: key `name' stands here twice"},
		{"name: [\n", "f.yml:2:1: "},
		{"- a\n", "f.yml:1:1: keys with values are meant here"},
	};
	struct config config = {.targets = 99};
	char message[512];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refusals); i++) {
		assert_int_equal(-DER_INVAL, read_text(refusals[i].text, message, &config));
		if (strncmp(message, refusals[i].message, strlen(refusals[i].message)) != 0)
			fail_msg("%s: %s", refusals[i].text, message);
		/* Untouched on failure. */
		assert_int_equal(99, config.targets);
	}
}

/* Random bytes never do worse than be refused. */
static void
test_noise(void **state)
{
	static const char letters[] = "engines:targts- \n[]{}&*a!#%\"'\t\x80,12";
	struct config config;
	char text[200], message[512];
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		size_t length = (size_t)i % sizeof(text);

		for (size_t j = 0; j < length; j++) {
			random = random * 1664525 + 1013904223;
			text[j] = letters[(random >> 16) % (sizeof(letters) - 1)];
		}
		(void)!config_read("f", text, length, message, sizeof(message), &config);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
