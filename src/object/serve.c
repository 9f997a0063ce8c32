/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The object service of one loop: its table of calls, and what they share. */
#include "object/private.h"

/* What went wrong travels back as text. */
SERVE_READING(object_update)
SERVE_READING(object_fetch)
SERVE_READING(object_punch)
SERVE_READING(object_punch_dkeys)
SERVE_READING(object_punch_akeys)
SERVE_READING(object_list)
SERVE_READING(object_query)
SERVE_READING(object_commit)

static const struct rpc_method methods[] = {
	{PROTO_OBJECT_UPDATE, "engine_object_update", serve_object_update},
	{PROTO_OBJECT_FETCH, "engine_object_fetch", serve_object_fetch},
	{PROTO_OBJECT_PUNCH_OBJECT, "engine_object_punch_object", serve_object_punch},
	{PROTO_OBJECT_PUNCH_DKEYS, "engine_object_punch_dkeys", serve_object_punch_dkeys},
	{PROTO_OBJECT_PUNCH_AKEYS, "engine_object_punch_akeys", serve_object_punch_akeys},
	{PROTO_OBJECT_LIST, "engine_object_list", serve_object_list},
	{PROTO_OBJECT_QUERY_KEY, "engine_object_query_key", serve_object_query},
	{PROTO_OBJECT_COMMIT, "engine_object_commit", serve_object_commit},
};
_Static_assert(PROTO_OBJECT_COMMIT < PROTO_OBJECT + OPERATIONS, "every operation is counted");

static void
counts_register(struct object_service *service)
{
	struct metrics *metrics = service->env->context->metrics;

	for (uint32_t i = 0; i < ARRAY_SIZE(methods); i++) {
		struct metric *metric = &service->counts[methods[i].operation - PROTO_OBJECT];

		metric->kind = METRIC_COUNTER;
		metric->name = methods[i].name;
		metric->help = "Requests that arrived.";
		metric_register(metrics, metric);
	}
}

int
object_serve(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct env *env = loop_env(here->loop);
	struct object_service *service = arena_calloc(env->arena, 1, sizeof(*service));
	int rc;

	if (service == NULL)
		return -DER_NOMEM;
	service->node = node;
	service->arena = env->arena;
	service->env = env;
	buffers_init(&service->buffers, env->arena);
	rc = dtx_create(node, &service->dtx);
	if (rc == 0)
		rc = rpc_serve(here->rpc, methods, ARRAY_SIZE(methods), service);
	if (rc != 0) {
		dtx_destroy(service->dtx);
		arena_free(env->arena, service);
		return rc;
	}
	counts_register(service);
	here->objects = service;
	return 0;
}

void
object_stop(struct node *node)
{
	struct node_loop *here = node_here(node);
	struct object_service *service = here->objects;

	if (service == NULL)
		return;
	dtx_destroy(service->dtx);
	for (uint32_t i = 0; i < OPERATIONS; i++)
		metric_unregister(&service->counts[i]);
	buffers_fini(&service->buffers);
	arena_free(service->arena, service);
	here->objects = NULL;
}

void
object_figures(struct node *node, uint64_t *ret_counts, uint32_t count)
{
	const struct object_service *service = node_here(node)->objects;

	for (uint32_t i = 0; i < count; i++)
		ret_counts[i] = service && i < OPERATIONS ? (uint64_t)service->counts[i].value : 0;
}
