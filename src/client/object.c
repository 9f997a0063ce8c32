/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Objects: open and close, and one line each into objio for what is done to them. */
#include "client/private.h"

/* ------------------------------------------------ handles */

static void
object_free(struct handle *handle)
{
	struct client_object *object = (struct client_object *)handle;

	handle_put(&object->container->handle);
	pthread_mutex_destroy(&object->lock);
	client_free(object->positions);
	client_free(object);
}

int
client_object_get(daos_handle_t cookie, uint32_t type, struct client_object **ret_object)
{
	struct client *client = client_here();
	struct handle *handle;
	int rc = client_check(client);

	if (rc == 0)
		rc = handle_get(&client->handles, cookie, type, &handle);
	if (rc == 0)
		*ret_object = (struct client_object *)handle;
	return rc;
}

void
client_object_put(struct client_object **object)
{
	if (*object)
		handle_put(&(*object)->handle);
}

int
object_open(daos_handle_t cookie, daos_obj_id_t oid, uint32_t mode, uint32_t type,
	    struct client_object **ret_object)
{
	SCOPED_CONTAINER container = NULL;
	struct client_object *object;
	int rc = client_container_get(cookie, &container);

	if (rc == 0)
		rc = placement_check(&container->pool->placement, object_id_of(oid));
	if (rc)
		return rc;
	if ((mode & (DAOS_OO_RW | DAOS_OO_EXCL)) != 0 && (container->flags & DAOS_COO_RO))
		return error_raise(-DER_NO_PERM, "the container was opened for reading only");
	object = client_calloc(sizeof(*object));
	if (object == NULL)
		return -DER_NOMEM;
	handle_init(&object->handle, type, object_free);
	pthread_mutex_init(&object->lock, NULL);
	object->container = container;
	container = NULL;
	object->id = object_id_of(oid);
	object->mode = mode;
	*ret_object = object;
	return 0;
}

int
object_publish(struct client_object *object, daos_handle_t *ret_cookie)
{
	int rc = handle_add(&client_here()->handles, &object->handle, ret_cookie);

	if (rc)
		handle_put(&object->handle);
	return rc;
}

int
object_close(daos_handle_t cookie, uint32_t type)
{
	SCOPED_OBJECT object = NULL;
	int rc = client_object_get(cookie, type, &object);

	if (rc)
		return rc;
	return handle_remove(&client_here()->handles, &object->handle) ? 0 : -DER_NO_HDL;
}

int
object_begin(daos_handle_t cookie, uint32_t type, struct object_use *ret_use)
{
	struct object_use use = {.context = context_here()};
	int rc = client_object_get(cookie, type, &use.object);

	if (rc)
		return rc;
	use.view.epoch = use.object->container->epoch;
	rc = context_container_get(use.context, use.object->container, &use.objio, &use.entry);
	if (rc) {
		client_object_put(&use.object);
		return rc;
	}
	*ret_use = use;
	return 0;
}

int
object_begin_change(daos_handle_t cookie, uint32_t type, struct object_use *ret_use)
{
	int rc = object_begin(cookie, type, ret_use);

	if (rc)
		return rc;
	if (ret_use->view.epoch)
		return error_raise(-DER_NO_PERM, "a snapshot is not changed");
	if (!(ret_use->object->mode & DAOS_OO_RO) ||
	    ret_use->object->mode & (DAOS_OO_RW | DAOS_OO_EXCL))
		return 0;
	return error_raise(-DER_NO_PERM, "the object was opened for reading only");
}

int
object_begin_in(daos_handle_t transaction, daos_handle_t cookie, uint32_t type,
		struct object_use *ret_use)
{
	int rc = object_begin(cookie, type, ret_use);

	return rc ? rc : tx_join(ret_use, transaction, false);
}

int
object_begin_change_in(daos_handle_t transaction, daos_handle_t cookie, uint32_t type,
		       struct object_use *ret_use)
{
	int rc = object_begin_change(cookie, type, ret_use);

	return rc ? rc : tx_join(ret_use, transaction, true);
}

void
object_end(struct object_use *use)
{
	client_tx_put(&use->tx);
	if (use->entry)
		context_container_put(use->entry);
	client_object_put(&use->object);
}

int
check_key(const daos_key_t *key)
{
	if (key == NULL || key->iov_buf == NULL || key->iov_len == 0)
		return -DER_INVAL;
	return key->iov_len > PROTO_OBJECT_KEY_MAX ? -DER_KEY2BIG : 0;
}

/* ------------------------------------------------ open and close */

struct open_arguments {
	daos_handle_t container;
	daos_obj_id_t oid;
	uint32_t mode;
	daos_handle_t *ret_handle;
};

static int
run_open(void *argument)
{
	const struct open_arguments *arguments = argument;
	struct client_object *object;
	int rc = object_open(arguments->container, arguments->oid, arguments->mode, DAOS_HTYPE_OBJ,
			     &object);

	return rc ? rc : object_publish(object, arguments->ret_handle);
}

int
daos_obj_open(daos_handle_t coh, daos_obj_id_t oid, unsigned int mode, daos_handle_t *oh,
	      daos_event_t *ev)
{
	struct open_arguments arguments = {coh, oid, mode, oh};

	return oh ? client_run(ev, run_open, &arguments, sizeof(arguments)) : -DER_INVAL;
}

static int
run_close(void *argument)
{
	return object_close(*(daos_handle_t *)argument, DAOS_HTYPE_OBJ);
}

int
daos_obj_close(daos_handle_t oh, daos_event_t *ev)
{
	return client_run(ev, run_close, &oh, sizeof(oh));
}

/* ------------------------------------------------ update and fetch */

struct io_arguments {
	daos_handle_t transaction;
	daos_handle_t object;
	uint64_t flags;
	daos_key_t *dkey;
	uint32_t count;
	daos_iod_t *iods;
	d_sg_list_t *sgls;
	daos_iom_t *ioms;
};

/* The akeys of a call, few of them without an allocation. */
#define AKEYS_FEW 4u

struct io {
	struct object_use use;
	struct objio_akey few[AKEYS_FEW];
	struct objio_akey *akeys;
	uint32_t count;
};

static void
io_end(struct io *io)
{
	struct arena *arena = io->use.context ? io->use.context->env->arena : NULL;

	for (uint32_t i = 0; io->akeys && i < io->count; i++) {
		arena_free(arena, (void *)(uintptr_t)io->akeys[i].payload);
		arena_free(arena, io->akeys[i].runs);
	}
	if (io->akeys != io->few)
		arena_free(arena, io->akeys);
	object_end(&io->use);
}

static int
io_begin(const struct io_arguments *arguments,
	 int (*begin)(daos_handle_t transaction, daos_handle_t cookie, uint32_t type,
		      struct object_use *ret_use),
	 struct io *io)
{
	int rc = check_key(arguments->dkey);

	if (rc == 0 && (arguments->count == 0 || arguments->iods == NULL))
		rc = -DER_INVAL;
	if (rc == 0)
		rc = begin(arguments->transaction, arguments->object, DAOS_HTYPE_OBJ, &io->use);
	if (rc)
		return rc;
	io->count = arguments->count;
	io->akeys = io->few;
	if (io->count > AKEYS_FEW)
		io->akeys =
			arena_calloc(io->use.context->env->arena, io->count, sizeof(*io->akeys));
	return io->akeys ? 0 : -DER_NOMEM;
}

_Static_assert(sizeof(struct proto_extent) == sizeof(daos_recx_t) &&
		       offsetof(struct proto_extent, count) == offsetof(daos_recx_t, rx_nr),
	       "extents are handed through");

static int
akey_init(const daos_iod_t *iod, struct objio_akey *akey)
{
	int rc = check_key(&iod->iod_name);

	if (rc)
		return rc;
	if (iod->iod_type != DAOS_IOD_SINGLE && iod->iod_type != DAOS_IOD_ARRAY)
		return -DER_INVAL;
	akey->key = objio_key_of(&iod->iod_name);
	akey->type = iod->iod_type;
	akey->conditions = (uint32_t)iod->iod_flags & DAOS_COND_MASK;
	akey->record_size = iod->iod_size;
	if (iod->iod_type == DAOS_IOD_SINGLE)
		return iod->iod_nr > 1 ? -DER_INVAL : 0;
	if (iod->iod_nr == 0 || iod->iod_recxs == NULL)
		return -DER_INVAL;
	akey->extents = (const struct proto_extent *)iod->iod_recxs;
	akey->extent_count = iod->iod_nr;
	return 0;
}

/* Bytes that an update of iod takes; -DER_INVAL when their number does not fit. */
static int
update_bytes(const daos_iod_t *iod, uint64_t *ret_bytes)
{
	uint64_t records = iod->iod_type == DAOS_IOD_SINGLE ? 1 : 0;

	for (uint32_t i = 0; iod->iod_type == DAOS_IOD_ARRAY && i < iod->iod_nr; i++)
		if (__builtin_add_overflow(records, iod->iod_recxs[i].rx_nr, &records))
			return -DER_INVAL;
	return __builtin_mul_overflow(records, iod->iod_size, ret_bytes) ? -DER_INVAL : 0;
}

/* The payload is as much of the buffers as the records take. */
static int
akey_source(struct arena *arena, const daos_iod_t *iod, const d_sg_list_t *sgl,
	    struct objio_akey *akey)
{
	struct iovec *iov;
	uint64_t bytes;
	uint32_t count;
	int rc = update_bytes(iod, &bytes);

	if (rc || bytes == 0)
		return rc;
	rc = sgl_vector(arena, sgl, false, &iov, &count);
	if (rc)
		return rc;
	akey->payload = iov;
	if (iov_length(iov, count) < bytes)
		return error_raise(-DER_INVAL, "the buffers hold %zu bytes, the records take %llu",
				   iov_length(iov, count), (unsigned long long)bytes);
	for (akey->payload_count = 0; bytes > 0; akey->payload_count++) {
		struct iovec *piece = &iov[akey->payload_count];

		piece->iov_len = min_of((uint64_t)piece->iov_len, bytes);
		bytes -= piece->iov_len;
	}
	return 0;
}

static int
run_update(void *argument)
{
	const struct io_arguments *arguments = argument;
	__attribute__((cleanup(io_end))) struct io io = {.akeys = NULL};
	int rc = io_begin(arguments, object_begin_change_in, &io);

	for (uint32_t i = 0; i < arguments->count && rc == 0; i++) {
		rc = akey_init(&arguments->iods[i], &io.akeys[i]);
		if (rc == 0)
			rc = akey_source(io.use.context->env->arena, &arguments->iods[i],
					 arguments->sgls ? &arguments->sgls[i] : NULL,
					 &io.akeys[i]);
	}
	if (rc)
		return rc;
	return use_update(&io.use, objio_key_of(arguments->dkey), io.akeys, io.count,
			  (uint32_t)arguments->flags & DAOS_COND_MASK);
}

int
daos_obj_update(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		unsigned int nr, daos_iod_t *iods, d_sg_list_t *sgls, daos_event_t *ev)
{
	struct io_arguments arguments = {th, oh, flags, dkey, nr, iods, sgls, NULL};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_update, &arguments, sizeof(arguments));
}

static void
iom_fill(const struct objio_akey *akey, daos_iom_t *iom)
{
	uint32_t copied = iom->iom_recxs ? min_of(iom->iom_nr, akey->run_count) : 0;

	iom->iom_type = (daos_iod_type_t)akey->type;
	iom->iom_size = akey->record_size;
	iom->iom_nr_out = akey->run_count;
	memset(&iom->iom_recx_lo, 0, sizeof(iom->iom_recx_lo));
	memset(&iom->iom_recx_hi, 0, sizeof(iom->iom_recx_hi));
	if (akey->run_count > 0) {
		const struct proto_extent *last = &akey->runs[akey->run_count - 1];

		iom->iom_recx_lo = (daos_recx_t){akey->runs[0].index, akey->runs[0].count};
		iom->iom_recx_hi = (daos_recx_t){last->index, last->count};
	}
	for (uint32_t i = 0; i < copied; i++)
		iom->iom_recxs[i] = (daos_recx_t){akey->runs[i].index, akey->runs[i].count};
}

/* A record size that the caller stated must be the one stored. */
static int
fetched_take(const struct io_arguments *arguments, uint32_t number, const struct objio_akey *akey)
{
	daos_iod_t *iod = &arguments->iods[number];
	uint64_t stated = iod->iod_size;

	iod->iod_size = akey->record_size;
	if (arguments->sgls && akey->payload)
		sgl_filled(&arguments->sgls[number], akey->length);
	if (arguments->ioms)
		iom_fill(akey, &arguments->ioms[number]);
	if (stated != DAOS_REC_ANY && akey->record_size > stated && akey->payload)
		return error_raise(-DER_REC2BIG, "a record has %llu bytes, not %llu",
				   (unsigned long long)akey->record_size,
				   (unsigned long long)stated);
	return 0;
}

static int
run_fetch(void *argument)
{
	const struct io_arguments *arguments = argument;
	__attribute__((cleanup(io_end))) struct io io = {.akeys = NULL};
	int rc = io_begin(arguments, object_begin_in, &io);
	int outcome;

	for (uint32_t i = 0; i < arguments->count && rc == 0; i++) {
		struct objio_akey *akey = &io.akeys[i];
		struct iovec *iov;

		rc = akey_init(&arguments->iods[i], akey);
		if (rc == 0)
			rc = sgl_vector(io.use.context->env->arena,
					arguments->sgls ? &arguments->sgls[i] : NULL, true, &iov,
					&akey->payload_count);
		if (rc == 0)
			akey->payload = iov;
	}
	if (rc)
		return rc;
	outcome = use_fetch(&io.use, objio_key_of(arguments->dkey), io.akeys, io.count,
			    (uint32_t)arguments->flags & DAOS_COND_MASK, arguments->ioms != NULL);
	if (outcome == -DER_TRUNC)
		outcome = error_raise(-DER_REC2BIG, "a value is larger than the buffer for it");
	for (uint32_t i = 0; i < io.count && (outcome == 0 || outcome == -DER_REC2BIG) && rc == 0;
	     i++)
		rc = fetched_take(arguments, i, &io.akeys[i]);
	return outcome ? outcome : rc;
}

int
daos_obj_fetch(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
	       unsigned int nr, daos_iod_t *iods, d_sg_list_t *sgls, daos_iom_t *ioms,
	       daos_event_t *ev)
{
	struct io_arguments arguments = {th, oh, flags, dkey, nr, iods, sgls, ioms};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_fetch, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ punch */

struct punch_arguments {
	daos_handle_t transaction;
	daos_handle_t object;
	uint32_t flags;
	daos_key_t *dkey;
	uint32_t count;
	daos_key_t *keys;
};

static int
run_punch(void *argument)
{
	const struct punch_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	int rc = object_begin_change_in(arguments->transaction, arguments->object, DAOS_HTYPE_OBJ,
					&use);

	return rc ? rc : use_punch_object(&use, arguments->flags);
}

int
daos_obj_punch(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_event_t *ev)
{
	struct punch_arguments arguments = {
		.transaction = th, .object = oh, .flags = (uint32_t)flags & DAOS_COND_MASK};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_punch, &arguments, sizeof(arguments));
}

/* The keys of a punch; freed by arena_free(). */
static int
punch_keys(struct arena *arena, const struct punch_arguments *arguments,
	   struct objio_key **ret_keys)
{
	struct objio_key *keys;
	int rc = arguments->count == 0 || arguments->keys == NULL ? -DER_INVAL : 0;

	if (rc)
		return rc;
	keys = arena_alloc(arena, arguments->count * sizeof(*keys));
	if (keys == NULL)
		return -DER_NOMEM;
	for (uint32_t i = 0; i < arguments->count && rc == 0; i++) {
		rc = check_key(&arguments->keys[i]);
		keys[i] = objio_key_of(&arguments->keys[i]);
	}
	if (rc)
		arena_free(arena, keys);
	else
		*ret_keys = keys;
	return rc;
}

static int
run_punch_keys(void *argument)
{
	const struct punch_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct objio_key *keys;
	int rc = arguments->dkey ? check_key(arguments->dkey) : 0;

	if (rc == 0)
		rc = object_begin_change_in(arguments->transaction, arguments->object,
					    DAOS_HTYPE_OBJ, &use);
	if (rc == 0)
		rc = punch_keys(use.context->env->arena, arguments, &keys);
	if (rc)
		return rc;
	if (arguments->dkey)
		rc = use_punch_akeys(&use, objio_key_of(arguments->dkey), keys, arguments->count,
				     arguments->flags);
	else
		rc = use_punch_dkeys(&use, keys, arguments->count, arguments->flags);
	arena_free(use.context->env->arena, keys);
	return rc;
}

int
daos_obj_punch_dkeys(daos_handle_t oh, daos_handle_t th, uint64_t flags, unsigned int nr,
		     daos_key_t *dkeys, daos_event_t *ev)
{
	struct punch_arguments arguments = {th,	  oh, (uint32_t)flags & DAOS_COND_MASK,
					    NULL, nr, dkeys};
	int rc = check_transaction(th);

	return rc ? rc : client_run(ev, run_punch_keys, &arguments, sizeof(arguments));
}

int
daos_obj_punch_akeys(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		     unsigned int nr, daos_key_t *akeys, daos_event_t *ev)
{
	struct punch_arguments arguments = {th,	  oh, (uint32_t)flags & DAOS_COND_MASK,
					    dkey, nr, akeys};
	int rc = check_transaction(th);

	if (rc == 0 && dkey == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_punch_keys, &arguments, sizeof(arguments));
}

/* ------------------------------------------------ query */

struct query_arguments {
	daos_handle_t transaction;
	daos_handle_t object;
	uint32_t flags;
	daos_key_t *dkey;
	daos_key_t *akey;
	daos_recx_t *recx;
	daos_epoch_t *epoch;
};

static void
integer_put(uint64_t value, daos_key_t *key)
{
	store_u64(key->iov_buf, value);
	key->iov_len = sizeof(value);
}

/* A key that is asked for has room for an integer; one that is given is a key. */
static int
check_query_key(bool asked, const daos_key_t *key)
{
	if (!asked)
		return check_key(key);
	return key == NULL || key->iov_buf == NULL || key->iov_buf_len < sizeof(uint64_t)
		       ? -DER_INVAL
		       : 0;
}

/* What is not asked for is given. */
static struct objio_key
key_given(uint32_t asked, const daos_key_t *key)
{
	return asked || key == NULL ? (struct objio_key){0} : objio_key_of(key);
}

static int
run_query_key(void *argument)
{
	const struct query_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct proto_object_queried result;
	uint32_t flags = arguments->flags;
	int rc = object_begin_in(arguments->transaction, arguments->object, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = use_query_key(&use, flags, key_given(flags & DAOS_GET_DKEY, arguments->dkey),
				   key_given(flags & DAOS_GET_AKEY, arguments->akey), &result);
	if (rc == 0 && flags & DAOS_GET_DKEY)
		integer_put(result.dkey, arguments->dkey);
	if (rc == 0 && flags & DAOS_GET_AKEY)
		integer_put(result.akey, arguments->akey);
	if (rc == 0 && flags & DAOS_GET_RECX)
		*arguments->recx = (daos_recx_t){result.extent.index, result.extent.count};
	return rc;
}

int
daos_obj_query_key(daos_handle_t oh, daos_handle_t th, uint64_t flags, daos_key_t *dkey,
		   daos_key_t *akey, daos_recx_t *recx, daos_event_t *ev)
{
	uint32_t known = (uint32_t)flags & (DAOS_GET_MAX | DAOS_GET_MIN | DAOS_GET_DKEY |
					    DAOS_GET_AKEY | DAOS_GET_RECX);
	struct query_arguments arguments = {th, oh, known, dkey, akey, recx, NULL};
	uint32_t what = (uint32_t)flags & (DAOS_GET_DKEY | DAOS_GET_AKEY | DAOS_GET_RECX);
	int rc = check_transaction(th);

	if (rc)
		return rc;
	if (what == 0 || !(flags & DAOS_GET_MAX) == !(flags & DAOS_GET_MIN) ||
	    (flags & DAOS_GET_RECX && !recx))
		return -DER_INVAL;
	rc = check_query_key(flags & DAOS_GET_DKEY, dkey);
	if (rc == 0 && what != DAOS_GET_DKEY)
		rc = check_query_key(flags & DAOS_GET_AKEY, akey);
	return rc ? rc : client_run(ev, run_query_key, &arguments, sizeof(arguments));
}

static int
run_query_epoch(void *argument)
{
	const struct query_arguments *arguments = argument;
	SCOPED_USE use = {.object = NULL};
	struct proto_object_queried result;
	int rc = object_begin_in(arguments->transaction, arguments->object, DAOS_HTYPE_OBJ, &use);

	if (rc == 0)
		rc = use_query_key(&use, arguments->flags, (struct objio_key){0},
				   (struct objio_key){0}, &result);
	if (rc == 0)
		*arguments->epoch = result.epoch;
	else if (rc == -DER_NONEXIST)
		*arguments->epoch = 0;
	return rc == -DER_NONEXIST ? 0 : rc;
}

int
daos_obj_query_max_epoch(daos_handle_t oh, daos_handle_t th, daos_epoch_t *epoch, daos_event_t *ev)
{
	struct query_arguments arguments = {.transaction = th, .object = oh, .epoch = epoch};
	int rc = check_transaction(th);

	if (rc == 0 && epoch == NULL)
		rc = -DER_INVAL;
	return rc ? rc : client_run(ev, run_query_epoch, &arguments, sizeof(arguments));
}

int
client_query_renamed(daos_handle_t object, daos_handle_t transaction, daos_epoch_t *ret_epoch)
{
	struct query_arguments arguments = {.transaction = transaction,
					    .object = object,
					    .flags = PROTO_QUERY_RENAMED,
					    .epoch = ret_epoch};

	return client_run(NULL, run_query_epoch, &arguments, sizeof(arguments));
}
