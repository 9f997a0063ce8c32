/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Rolling a container back to one of its snapshots. The caller has it open alone. A mark
 * "cr/<container>" stands in the pool's store from before the first change until after the last
 * one: whatever ends the work in between, the next start takes it up again, and until it is done
 * only those may open the container who want it alone, to roll it back. Each attempt draws an epoch
 * of its own and changes what still differs.
 */
#include "container/snapshot.h"

#define KEY_ROLLBACK "cr/"
/* Changes of one turn on a target. */
#define CREDITS 64u

struct rolling {
	struct uuid container;
	uint64_t snapshot;
	uint64_t epoch;
};

static int
container_roll(const struct rolling *rolling, struct vos_container *container)
{
	struct vos_rollback *state;
	struct arena *arena = loop_env(loop_current())->arena;
	int rc = 1;

	state = arena_calloc(arena, 1, sizeof(*state));
	if (state == NULL)
		return error_raise(-DER_NOMEM, "no memory to roll a container back");
	while (rc > 0)
		rc = vos_rollback(container, rolling->snapshot, rolling->epoch, state, CREDITS);
	arena_free(arena, state);
	return rc;
}

static int
target_roll(void *argument, uint32_t target, struct vos *vos)
{
	const struct rolling *rolling = argument;
	struct vos_container *container;
	int rc = vos_container_open(vos, rolling->container, &container);

	(void)target;
	if (rc)
		return rc == -DER_NONEXIST ? 0 : rc;
	rc = container_roll(rolling, container);
	vos_container_close(container);
	return rc;
}

/* From the mark to its end; request: NULL at a start. The pool is locked. */
static int
roll_on(struct containers *containers, struct pool *pool, struct rolling *rolling,
	const struct request_id *request)
{
	struct container_key key;
	const struct metadb_write write = {
		.key = container_key(&key, KEY_ROLLBACK, &rolling->container), .remove = true};
	const struct metadb_proposal proposal = {
		.request = request, .writes = &write, .write_count = 1, .privileged = true};
	int rc = node_epoch(containers->node, &rolling->epoch);

	if (rc == 0)
		rc = pool_each_target(pool, target_roll, rolling);
	if (rc == -DER_TX_RESTART)
		return error_raise(-DER_BUSY,
				   "something changed the container while it was rolled "
				   "back: let all other operations end, and do it again");
	return rc ? rc : metadb_propose(pool_metadb(pool), &proposal, NULL);
}

/* ------------------------------------------------ the mark */

/* The snapshot that a container is being rolled back to. -DER_NONEXIST. */
static int
mark_get(struct pool *pool, const struct uuid *container, uint64_t *ret_snapshot)
{
	struct container_key key;
	struct metadb_bytes value;
	int rc = metadb_get(pool_metadb(pool), container_key(&key, KEY_ROLLBACK, container), &value,
			    NULL);

	if (rc)
		return rc;
	if (value.length == sizeof(uint64_t))
		*ret_snapshot = load_u64(value.data);
	else
		rc = error_raise(-DER_IO, "the pool's store is damaged: bad mark of a container");
	metadb_bytes_free(pool_metadb(pool), &value);
	return rc;
}

static int
mark_set(struct pool *pool, const struct uuid *container, uint64_t snapshot)
{
	uint8_t value[8];
	struct container_key key;
	const struct metadb_write write = {.key = container_key(&key, KEY_ROLLBACK, container),
					   .value = {value, sizeof(value)}};
	const struct metadb_proposal proposal = {.writes = &write, .write_count = 1};

	store_u64(value, snapshot);
	return metadb_propose(pool_metadb(pool), &proposal, NULL);
}

int
container_rollback_check(struct pool *pool, const struct uuid *container, bool alone)
{
	uint64_t snapshot = 0;
	int rc = mark_get(pool, container, &snapshot);

	if (rc == -DER_NONEXIST)
		return 0;
	if (rc || alone)
		return rc;
	return error_raise(-DER_BUSY,
			   "the container's roll-back to snapshot 0x%lx was not finished: "
			   "roll it back again, or start the engine again",
			   (unsigned long)snapshot);
}

int
container_rollback_erase(struct pool *pool, const struct uuid *container)
{
	struct container_key key;
	const struct metadb_write write = {.key = container_key(&key, KEY_ROLLBACK, container),
					   .remove = true};
	const struct metadb_proposal proposal = {
		.writes = &write, .write_count = 1, .privileged = true};

	return metadb_propose(pool_metadb(pool), &proposal, NULL);
}

/* ------------------------------------------------ after a start */

struct first_mark {
	bool found;
	struct rolling rolling;
	char after[4 + UUID_TEXT_SIZE];
};

static int
mark_visit(void *argument, struct metadb_bytes key, struct metadb_bytes value, uint64_t version)
{
	struct first_mark *first = argument;
	size_t prefix = strlen(KEY_ROLLBACK);

	(void)version;
	if (key.length >= sizeof(first->after) || value.length != sizeof(uint64_t))
		return error_raise(-DER_IO, "the pool's store is damaged: bad mark of a container");
	memcpy(first->after, key.data, key.length);
	first->after[key.length] = '\0';
	if (!uuid_from_text(first->after + prefix, &first->rolling.container))
		return error_raise(-DER_IO, "the pool's store is damaged: bad mark of a container");
	first->rolling.snapshot = load_u64(value.data);
	first->found = true;
	return 1;
}

void
container_rollbacks_finish(struct containers *containers, struct pool *pool)
{
	struct first_mark first = {.found = true};
	int rc = 0;

	while (rc >= 0 && first.found) {
		first.found = false;
		rc = metadb_list(pool_metadb(pool), metadb_text(KEY_ROLLBACK),
				 metadb_text(first.after), mark_visit, &first);
		if (rc < 0 || !first.found)
			break;
		REACHED("container: a start finishes a roll-back");
		rc = roll_on(containers, pool, &first.rolling, NULL);
		if (rc)
			error_log(LOG_ERROR, rc,
				  "a container stays closed: its roll-back could not be finished");
		rc = 0;
	}
	if (rc < 0)
		error_log(LOG_ERROR, rc, "roll-backs that a start should finish are not known");
}

/* ------------------------------------------------ the call */

int
container_rollback_locked(struct containers *containers, struct pool *pool,
			  const struct uuid *container, uint64_t snapshot,
			  const struct request_id *request)
{
	struct rolling rolling = {.container = *container, .snapshot = snapshot};
	int rc = mark_set(pool, container, snapshot);

	return rc ? rc : roll_on(containers, pool, &rolling, request);
}
