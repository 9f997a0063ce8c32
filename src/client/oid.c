/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Object ids: type, class and number of groups in the upper 32 bits. */
#include "client/oclass.h"
#include "client/private.h"

/* Abstract classes without redundancy, and the number of groups that stands for them. */
static const struct {
	daos_oclass_id_t abstract;
	uint32_t groups;
} abstract_classes[] = {
	{OC_TINY, 1},
	{OC_SMALL, 4},
	{OC_LARGE, 32},
	{OC_MAX, MAX_NUM_GROUPS},
};

static bool
is_abstract(daos_oclass_id_t class)
{
	return class >> OC_REDUN_SHIFT == 0;
}

static daos_oclass_id_t
abstract_class(daos_oclass_id_t class)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(abstract_classes); i++)
		if (abstract_classes[i].abstract == class)
			return OBJ_CLASS_DEF((uint32_t)OR_RP_1, abstract_classes[i].groups);
	return OC_UNKNOWN;
}

static uint32_t
redundancy_factor(const struct client_container *container)
{
	return (uint32_t)properties_number(container->properties, DAOS_PROP_CO_REDUN_FAC);
}

/* The class for an object for which the caller named none, or an abstract one. */
static int
choose_class(const struct client_container *container, enum daos_otype_t type,
	     daos_oclass_hints_t hints, daos_oclass_id_t *class)
{
	struct oclass_choice choice = {
		.redundancy_factor = redundancy_factor(container),
		.domains = container->pool->engines,
		.targets = container->pool->placement.targets,
		.type = type,
		.hints = hints,
	};

	if (*class == OC_UNKNOWN)
		return oclass_choose(&choice, class);
	if (!is_abstract(*class))
		return 0;
	*class = abstract_class(*class);
	return *class == OC_UNKNOWN
		       ? error_raise(-DER_NOSYS,
				     "abstract classes with redundancy are not built yet")
		       : 0;
}

/* The class must keep the container's promise about failures. */
static int
check_class(const struct client_container *container, daos_oclass_id_t class)
{
	struct daos_oclass_attr attributes;
	int rc = oclass_attributes(class, &attributes);

	if (rc)
		return error_raise(-DER_INVAL, "there is no object class 0x%x", class);
	if (attributes.ca_resil_degree < redundancy_factor(container))
		return error_raise(
			-DER_INVAL,
			"the container asks for objects that survive %u failures, this class "
			"survives %u",
			redundancy_factor(container), attributes.ca_resil_degree);
	return 0;
}

int
daos_obj_generate_oid(daos_handle_t coh, daos_obj_id_t *oid, enum daos_otype_t type,
		      daos_oclass_id_t cid, daos_oclass_hints_t hints, uint32_t args)
{
	SCOPED_CONTAINER container = NULL;
	uint32_t groups;
	daos_obj_id_t made;
	int rc = oid && daos_otype_t_is_valid(type) ? client_container_get(coh, &container)
						    : -DER_INVAL;

	(void)args;
	if (rc == 0)
		rc = choose_class(container, type, hints, &cid);
	if (rc == 0)
		rc = check_class(container, cid);
	if (rc)
		return rc;
	groups = cid & ((1u << OC_REDUN_SHIFT) - 1);
	groups = placement_class_groups(&container->pool->placement, groups);
	made = *oid;
	oid_encode(&made, type, (cid >> OC_REDUN_SHIFT) << OC_REDUN_SHIFT | groups);
	rc = placement_check(&container->pool->placement, object_id_of(made));
	if (rc == 0)
		*oid = made;
	return rc;
}
