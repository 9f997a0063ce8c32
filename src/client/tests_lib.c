/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Helpers of tests and examples, as daos/tests_lib.h has them, and the two initialisers of
 * pipelines. */
#include <stdlib.h>

#include <daos/tests_lib.h>
#include <daos_pipeline.h>

#include "client/private.h"

/* Where the service of a pool runs, as many ranks as svc has room for. */
static int
service_ranks(const struct uuid *id, d_rank_list_t *svc)
{
	struct client_pool_entry *entries;
	uint32_t count;
	int rc = client_pool_list(&entries, &count);

	for (uint32_t i = 0; rc == 0 && i < count; i++) {
		if (!uuid_equal(&entries[i].id, id))
			continue;
		svc->rl_nr = min_of(svc->rl_nr, entries[i].rank_count);
		memcpy(svc->rl_ranks, entries[i].ranks, svc->rl_nr * sizeof(svc->rl_ranks[0]));
	}
	if (rc == 0)
		client_free(entries);
	return rc;
}

int
dmg_pool_create(const char *dmg_config_file, uid_t uid, gid_t gid, const char *grp,
		const d_rank_list_t *tgts, daos_size_t scm_size, daos_size_t nvme_size,
		daos_prop_t *prop, d_rank_list_t *svc, uuid_t uuid)
{
	struct client_pool_create request = {
		.thin = scm_size == 0 && nvme_size == 0,
		.metadata_bytes = scm_size,
		.data_bytes = nvme_size,
		.properties = prop,
	};
	struct client_pool_created created;
	char *owner = NULL;
	char *group = NULL;
	int rc = daos_acl_uid_to_principal(uid, &owner);

	(void)dmg_config_file;
	(void)grp;
	(void)tgts;
	if (rc == 0)
		rc = daos_acl_gid_to_principal(gid, &group);
	request.owner = owner;
	request.owner_group = group;
	if (rc == 0)
		rc = client_pool_create(&request, &created);
	free(owner);
	free(group);
	if (rc)
		return rc;
	memcpy(uuid, created.id.bytes, sizeof(created.id.bytes));
	return svc ? service_ranks(&created.id, svc) : 0;
}

int
dmg_pool_destroy(const char *dmg_config_file, const uuid_t uuid, const char *grp, int force)
{
	char text[UUID_TEXT_SIZE];
	struct uuid id;

	(void)dmg_config_file;
	(void)grp;
	memcpy(id.bytes, uuid, sizeof(id.bytes));
	uuid_to_text(&id, text);
	return client_pool_destroy(text, force != 0, force != 0);
}

void
dts_buf_render(char *buf, unsigned int buf_len)
{
	for (unsigned int i = 0; i + 1 < buf_len; i++)
		buf[i] = (char)(random() % 2 ? 'a' + random() % 26 : 'A' + random() % 26);
	if (buf_len > 0)
		buf[buf_len - 1] = '\0';
}

void
daos_pipeline_init(daos_pipeline_t *pipeline)
{
	if (pipeline)
		memset(pipeline, 0, sizeof(*pipeline));
}

void
daos_filter_init(daos_filter_t *filter)
{
	if (filter)
		memset(filter, 0, sizeof(*filter));
}
