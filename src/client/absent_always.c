/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Functions that DAOS declares and does not support: classes of one's own, attributes of objects,
 * faults of an engine on demand. */
#include "client/private.h"

int
daos_obj_query(daos_handle_t oh, struct daos_obj_attr *oa, d_rank_list_t *ranks, daos_event_t *ev)
{
	(void)oh;
	(void)oa;
	(void)ranks;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_register_class(daos_handle_t coh, daos_oclass_id_t cid, struct daos_oclass_attr *attr,
			daos_event_t *ev)
{
	(void)coh;
	(void)cid;
	(void)attr;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_query_class(daos_handle_t coh, daos_oclass_id_t cid, struct daos_oclass_attr *attr,
		     daos_event_t *ev)
{
	(void)coh;
	(void)cid;
	(void)attr;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_obj_list_class(daos_handle_t coh, struct daos_oclass_list *list, daos_anchor_t *anchor,
		    daos_event_t *ev)
{
	(void)coh;
	(void)list;
	(void)anchor;
	(void)ev;
	return -DER_NOSYS;
}

int
daos_debug_set_params(const char *grp, d_rank_t rank, unsigned int key_id, uint64_t value,
		      uint64_t value_extra, daos_event_t *ev)
{
	(void)grp;
	(void)rank;
	(void)value;
	(void)value_extra;
	(void)ev;
	return key_id < DMG_KEY_NUM ? -DER_NOSYS : -DER_INVAL;
}

int
daos_debug_add_mark(const char *mark)
{
	return mark ? -DER_NOSYS : -DER_INVAL;
}
