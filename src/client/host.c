/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* A client on somebody else's loop: its life. */
#include "client/private.h"

static int
take_servers(const struct client_host *host, struct servers *servers)
{
	if (host->server_count == 0 || host->server_count > SERVERS_MAX)
		return error_raise(-DER_INVAL, "a client is given 1 to %u servers", SERVERS_MAX);
	for (uint32_t i = 0; i < host->server_count; i++) {
		const char *address = host->servers[i];

		if (strlen(address) > PROTO_ADDRESS_MAX || strchr(address, ':') == NULL)
			return error_raise(-DER_INVAL, "\"%s\" is no address", address);
		snprintf(servers->addresses[i], sizeof(servers->addresses[i]), "%s", address);
	}
	servers->count = host->server_count;
	servers->found = true;
	return 0;
}

static void
client_drop(struct client *client)
{
	struct client_context *context = atomic_load(&client->contexts[0]);
	struct arena *arena = client->arena;

	arena_free(arena, context);
	arena_free(arena, client);
}

static int
client_prepare_hosted(struct client *client, const struct client_host *host)
{
	pthread_mutex_init(&client->lock, NULL);
	hlc_init(&client->clock, 0);
	handle_table_init(&client->handles);
	client->references = 1;
	client->user = host->user;
	client->group = host->group;
	atomic_store(&client->state, CLIENT_UP);
	return take_servers(host, &client->servers);
}

int
client_create(struct loop *loop, const struct client_host *host, struct client **ret_client)
{
	struct env *env = loop_env(loop);
	struct client_context *context;
	struct client *client;
	int rc = -DER_NOMEM;

	if (env->context->client)
		return error_raise(-DER_EXIST, "the loop has a client already");
	client = arena_calloc(env->arena, 1, sizeof(*client));
	if (client == NULL)
		return rc;
	client->arena = env->arena;
	context = arena_calloc(env->arena, 1, sizeof(*context));
	atomic_store(&client->contexts[0], context);
	if (context) {
		context_prepare(client, context);
		context->env = env;
		context->loop = loop;
		rc = client_prepare_hosted(client, host);
	}
	if (rc == 0)
		rc = context_connect(context);
	if (rc) {
		/* It has talked to nobody, so this does not wait. */
		if (context && context->rpc)
			rpc_destroy(context->rpc);
		client_drop(client);
		return rc;
	}
	*ret_client = client;
	return 0;
}

void
client_destroy(struct client *client)
{
	struct client_context *context = atomic_load(&client->contexts[0]);

	ASSERT(context_here() == context);
	/* What still runs under events gets -DER_UNINIT from the next call it is composed of. */
	atomic_store(&client->state, CLIENT_DOWN);
	while (context_abort_all(context))
		wait_queue_wait_plain(&context->waiting);
	handle_table_fini(&client->handles);
	context_close(context);
	context_drop_sets(context);
	context->env->context->client = NULL;
	context_fini(context);
	client_drop(client);
}
