/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * The symbols of the interface before version 2, which names pools and containers by binary UUIDs.
 * No header declares them: binaries built then, and bindings that load symbols by name, use them.
 */
#include "client/private.h"

#undef daos_pool_connect
#undef daos_cont_create
#undef daos_cont_open
#undef daos_cont_destroy
#undef daos_obj_generate_oid

int daos_pool_connect(const uuid_t pool, const char *sys, unsigned int flags, daos_handle_t *poh,
		      daos_pool_info_t *info, daos_event_t *ev);
int daos_cont_create(daos_handle_t poh, const uuid_t cont, daos_prop_t *cont_prop,
		     daos_event_t *ev);
int daos_cont_open(daos_handle_t poh, const uuid_t cont, unsigned int flags, daos_handle_t *coh,
		   daos_cont_info_t *info, daos_event_t *ev);
int daos_cont_destroy(daos_handle_t poh, const uuid_t cont, int force, daos_event_t *ev);
int daos_obj_generate_oid(daos_handle_t coh, daos_obj_id_t *oid, enum daos_otype_t type,
			  daos_oclass_id_t cid, daos_oclass_hints_t hints, uint32_t args);

static bool
text_of(const uuid_t uuid, char text[UUID_TEXT_SIZE])
{
	struct uuid id;

	if (uuid == NULL)
		return false;
	memcpy(id.bytes, uuid, sizeof(id.bytes));
	uuid_to_text(&id, text);
	return !uuid_empty(&id);
}

int
daos_pool_connect(const uuid_t pool, const char *sys, unsigned int flags, daos_handle_t *poh,
		  daos_pool_info_t *info, daos_event_t *ev)
{
	char text[UUID_TEXT_SIZE];

	return text_of(pool, text) ? daos_pool_connect2(text, sys, flags, poh, info, ev)
				   : -DER_INVAL;
}

int
daos_cont_create(daos_handle_t poh, const uuid_t cont, daos_prop_t *cont_prop, daos_event_t *ev)
{
	struct uuid id;

	if (cont == NULL)
		return -DER_INVAL;
	memcpy(id.bytes, cont, sizeof(id.bytes));
	return container_create_as(poh, id, cont_prop, ev);
}

int
daos_cont_open(daos_handle_t poh, const uuid_t cont, unsigned int flags, daos_handle_t *coh,
	       daos_cont_info_t *info, daos_event_t *ev)
{
	char text[UUID_TEXT_SIZE];

	return text_of(cont, text) ? daos_cont_open2(poh, text, flags, coh, info, ev) : -DER_INVAL;
}

int
daos_cont_destroy(daos_handle_t poh, const uuid_t cont, int force, daos_event_t *ev)
{
	char text[UUID_TEXT_SIZE];

	return text_of(cont, text) ? daos_cont_destroy2(poh, text, force, ev) : -DER_INVAL;
}

int
daos_obj_generate_oid(daos_handle_t coh, daos_obj_id_t *oid, enum daos_otype_t type,
		      daos_oclass_id_t cid, daos_oclass_hints_t hints, uint32_t args)
{
	return daos_obj_generate_oid2(coh, oid, type, cid, hints, args);
}
