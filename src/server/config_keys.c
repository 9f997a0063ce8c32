/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The keys of the server's configuration file: those of DAOS. */
#include <stdio.h>
#include <string.h>

#include "server/config.h"

#define AT(member) offsetof(struct config, member)
#define FLAG(path, preset, help, offset)                            \
	{                                                           \
		path, CONFIG_FLAG, 0, 0, NULL, preset, help, offset \
	}
#define NUMBER(path, least, most, preset, help, offset)                      \
	{                                                                    \
		path, CONFIG_NUMBER, least, most, NULL, preset, help, offset \
	}
#define STRING(path, choices, preset, help, offset)                      \
	{                                                                \
		path, CONFIG_STRING, 0, 0, choices, preset, help, offset \
	}
#define LIST(path, help, offset)                                \
	{                                                       \
		path, CONFIG_LIST, 0, 0, NULL, "", help, offset \
	}
#define ANY(path, help)                                               \
	{                                                             \
		path, CONFIG_ANY, 0, 0, NULL, "", help, CONFIG_UNUSED \
	}

const struct config_key config_keys[] = {
	STRING("name", NULL, "daos_server", "name of the system", AT(name)),
	LIST("mgmt_svc_replicas", "hosts of the management service, an odd number",
	     AT(ms_replicas)),
	LIST("access_points", "former name of mgmt_svc_replicas", AT(ms_replicas)),
	STRING("control_metadata.path", NULL, "", "where the control plane keeps its state",
	       CONFIG_UNUSED),
	STRING("control_metadata.device", NULL, "", "device of control_metadata.path",
	       CONFIG_UNUSED),
	NUMBER("port", 1, 65535, "10001", "of the control plane", CONFIG_UNUSED),
	STRING("control_iface", NULL, "", "interface of the control plane", CONFIG_UNUSED),
	FLAG("transport_config.allow_insecure", "false",
	     "allow addresses that other machines can reach", AT(allow_insecure)),
	STRING("transport_config.client_cert_dir", NULL, "", "certificates of clients",
	       CONFIG_UNUSED),
	STRING("transport_config.ca_cert", NULL, "", "certificate authority", CONFIG_UNUSED),
	STRING("transport_config.cert", NULL, "", "certificate of this server", CONFIG_UNUSED),
	STRING("transport_config.key", NULL, "", "key of this server", CONFIG_UNUSED),
	STRING("fault_path", NULL, "", "place of this host among the fault domains", CONFIG_UNUSED),
	STRING("fault_cb", NULL, "", "program that prints the fault path", CONFIG_UNUSED),
	STRING("provider", NULL, "tcp", "transport", CONFIG_UNUSED),
	NUMBER("crt_timeout", 1, 3600, "60", "seconds that a request may take", CONFIG_UNUSED),
	FLAG("disable_srx", "false", "of the provider", CONFIG_UNUSED),
	STRING("fabric_auth_key", NULL, "", "of the provider", CONFIG_UNUSED),
	NUMBER("core_dump_filter", 0, 255, "19", "what a core file holds", CONFIG_UNUSED),
	LIST("bdev_exclude", "devices never to be used", CONFIG_UNUSED),
	FLAG("disable_vfio", "false", "of SPDK", CONFIG_UNUSED),
	FLAG("disable_vmd", "true", "of SPDK", CONFIG_UNUSED),
	FLAG("disable_hotplug", "false", "of SPDK", CONFIG_UNUSED),
	FLAG("hyperthreads", "false", "use both threads of a core", CONFIG_UNUSED),
	STRING("socket_dir", NULL, "(see README)", "where the sockets are", AT(socket_dir)),
	NUMBER("nr_hugepages", 0, 1u << 30, "0", "huge pages for SPDK", CONFIG_UNUSED),
	FLAG("disable_hugepages", "true", "use none", CONFIG_UNUSED),
	FLAG("allow_numa_imbalance", "false", "engines may share a NUMA node", CONFIG_UNUSED),
	FLAG("allow_thp", "true", "transparent huge pages may be on", CONFIG_UNUSED),
	NUMBER("system_ram_reserved", 0, 1u << 20, "0", "GiB left to others", CONFIG_UNUSED),
	STRING("control_log_mask", "DEBUG INFO NOTICE ERROR DISABLED", "INFO",
	       "level of the server's own log", CONFIG_UNUSED),
	STRING("control_log_file", NULL, "(see README)", "the server's own log",
	       AT(control_log_file)),
	STRING("helper_log_file", NULL, "", "log of the privileged helper", CONFIG_UNUSED),
	NUMBER("telemetry_port", 0, 65535, "9191", "of the metrics", CONFIG_UNUSED),
	FLAG("disable_engine_auto_restart", "false", "leave an engine that died alone",
	     AT(disable_engine_auto_restart)),
	NUMBER("engine_auto_restart_min_delay", 0, 86400, "0",
	       "seconds between two restarts of an engine", AT(engine_auto_restart_min_delay)),
	LIST("client_env_vars", "variables for clients", CONFIG_UNUSED),
	STRING("support_config.file_transfer_exec", NULL, "", "program that sends logs away",
	       CONFIG_UNUSED),
	NUMBER("engines[].targets", 1, 64, "cores, at most 4", "of an engine", AT(targets)),
	NUMBER("engines[].nr_xs_helpers", 0, 64, "0", "helper threads", CONFIG_UNUSED),
	NUMBER("engines[].pinned_numa_node", 0, 1023, "", "where the engine runs", CONFIG_UNUSED),
	NUMBER("engines[].first_core", 0, 4095, "0", "where the engine runs", CONFIG_UNUSED),
	FLAG("engines[].bypass_health_chk", "false", "of devices", CONFIG_UNUSED),
	STRING("engines[].fabric_iface", NULL, "", "interface or address to listen on by TCP",
	       AT(fabric_iface)),
	NUMBER("engines[].fabric_iface_port", 0, 65535, "31416",
	       "TCP port; without fabric_iface on 127.0.0.1", AT(fabric_iface_port)),
	STRING("engines[].log_mask", NULL, "NOTICE", "level of the engine's log", AT(log_mask)),
	STRING("engines[].log_file", NULL, "(see README)", "the engine's log", AT(log_file)),
	LIST("engines[].env_vars", "variables of the engine", CONFIG_UNUSED),
	FLAG("engines[].bdev_auto_faulty.enable", "true", "retire failing devices", CONFIG_UNUSED),
	NUMBER("engines[].bdev_auto_faulty.max_io_errs", 0, UINT32_MAX, "10", "before that",
	       CONFIG_UNUSED),
	NUMBER("engines[].bdev_auto_faulty.max_csum_errs", 0, UINT32_MAX, "0", "before that",
	       CONFIG_UNUSED),
	ANY("engines[].spdk_iobuf", "of SPDK"),
	STRING("engines[].storage[].class", "ram dcpm nvme file kdev", "file",
	       "kind of storage; all data goes to the directory scm_mount so far", CONFIG_UNUSED),
	STRING("engines[].storage[].scm_mount", NULL, "(see README)", "directory of the data",
	       AT(scm_mount)),
	STRING("engines[].storage[].scm_size", NULL, "", "of a RAM disk, GiB", CONFIG_UNUSED),
	LIST("engines[].storage[].scm_list", "persistent memory devices", CONFIG_UNUSED),
	LIST("engines[].storage[].bdev_list", "block devices or files", CONFIG_UNUSED),
	STRING("engines[].storage[].bdev_size", NULL, "", "of a file", CONFIG_UNUSED),
	STRING("engines[].storage[].bdev_busid_range", NULL, "", "of NVMe devices", CONFIG_UNUSED),
	LIST("engines[].storage[].bdev_roles", "wal, meta, data", CONFIG_UNUSED),
};

const uint32_t config_key_count = ARRAY_SIZE(config_keys);

static void
print_key(const struct config_key *key)
{
	static const char *const types[] = {[CONFIG_FLAG] = "true or false",
					    [CONFIG_NUMBER] = "number",
					    [CONFIG_STRING] = "text",
					    [CONFIG_LIST] = "list",
					    [CONFIG_ANY] = "map"};

	printf("%s: %s\n  %s", key->path, key->help, types[key->type]);
	if (key->type == CONFIG_NUMBER)
		printf(" from %llu to %llu", (unsigned long long)key->least,
		       (unsigned long long)key->most);
	if (key->choices)
		printf(", one of: %s", key->choices);
	if (key->preset[0])
		printf("; default: %s", key->preset);
	printf("%s\n", key->offset == CONFIG_UNUSED ? "; accepted, has no effect yet" : "");
}

bool
config_explain(const char *beginning)
{
	bool any = false;

	for (uint32_t i = 0; i < config_key_count; i++) {
		const struct config_key *key = &config_keys[i];

		if (strncmp(key->path, beginning, strlen(beginning)) != 0)
			continue;
		print_key(key);
		any = true;
	}
	return any;
}
