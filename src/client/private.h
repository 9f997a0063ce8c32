/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* What the files of client/ share: the client of a process or of a host, its contexts, handles,
 * operations and events. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "client/client.h"
#include "common/common.h"
#include "daos.h"
#include "env/linux/linux.h"
#include "objio/objio.h"

/* Contexts of calls without an event, and all contexts: one per event queue besides. */
#define CONTEXT_POOL 4u
#define CONTEXTS_MAX 64u
/* How long an operation waits for an engine that is away, where nothing else was said. */
#define PATIENCE_NS (60 * UINT64_C(1000000000))
#define TEXT_MAX 2048u
/* Addresses of the engine that answers first questions. */
#define SERVERS_MAX 8u

struct client;
struct client_context;
struct event;

/* ------------------------------------------------ handles */

/*
 * Begins everything that a public handle names. Counted: the table has one reference until the
 * handle is closed, each call on it one more.
 */
struct handle {
	uint32_t type; /* DAOS_HTYPE_* */
	uint64_t cookie;
	atomic_uint references;
	void (*free)(struct handle *handle);
};

#define HANDLES_PER_BLOCK 1024u
#define HANDLE_BLOCKS_MAX 1024u

struct handle_slot {
	struct handle *handle; /* NULL: free */
	uint64_t generation;
	uint32_t next_free;
};

/* Cookie to handle; a cookie names its slot, the slot's generation and the type. */
struct handle_table {
	pthread_mutex_t lock;
	uint32_t used;	     /* slots ever used */
	uint32_t first_free; /* slot number + 1; 0: none */
	uint32_t count;
	struct handle_slot *blocks[HANDLE_BLOCKS_MAX];
};

void handle_table_init(struct handle_table *table);
/* Closes what is left and frees the table's memory. */
void handle_table_fini(struct handle_table *table);
/* After fork: the lock is new, the handles stay. */
void handle_table_renew(struct handle_table *table);
void handle_init(struct handle *handle, uint32_t type, void (*free)(struct handle *handle));
/* Gives handle, whose one reference goes to the table, a cookie. -DER_NOMEM. */
MUST_USE int handle_add(struct handle_table *table, struct handle *handle,
			daos_handle_t *ret_cookie);
/* A new reference to what cookie names. -DER_NO_HDL. */
MUST_USE int handle_get(struct handle_table *table, daos_handle_t cookie, uint32_t type,
			struct handle **ret_handle);
void handle_put(struct handle *handle);
/* Makes the cookie invalid and drops the table's reference; false when it was invalid already. */
bool handle_remove(struct handle_table *table, struct handle *handle);
void handle_each(struct handle_table *table, void (*visit)(struct handle *handle, void *argument),
		 void *argument);

/* ------------------------------------------------ the client */

enum client_state { CLIENT_DOWN, CLIENT_UP, CLIENT_FORKED };

/* Where the first engine is, once somebody has looked. */
struct servers {
	bool found;
	bool embedded; /* in a local directory, by this process or another one */
	uint32_t count;
	char addresses[SERVERS_MAX][PROTO_ADDRESS_MAX + 1];
	char schemes[64];	/* of CAIRN_ENGINE: the only ones to be used; empty: all */
	int code;		/* of a failure */
	char failure[TEXT_MAX]; /* the places tried, after a failure */
	bool told;		/* logged once */
};

struct embedded;

/* The library with an engine for a local directory, and the engine while this process serves. */
struct embedded_door {
	/* Held while an engine starts, so never by a thread that drives a loop. */
	pthread_mutex_t lock;
	void *library;
	int (*start)(const char *directory, struct embedded **ret_embedded, char *ret_address,
		     char *message, size_t message_size);
	void (*stop)(struct embedded *embedded);
	struct embedded *embedded; /* NULL: another process serves, or nobody */
	char address[PROTO_ADDRESS_MAX + 1];
};

/*
 * The client of the process, or one that a host made on a loop of its own (host.c). The latter is
 * used on fibers of that loop only, so that none of its locks is ever waited for.
 */
struct client {
	pthread_mutex_t lock; /* life, contexts, servers */
	atomic_int state;     /* enum client_state */
	atomic_uint life;     /* changes when the contexts of before are gone */
	uint32_t references;
	struct arena *arena;  /* of a host; NULL: of the process, whose memory is malloc's */
	uint32_t user, group; /* of a host */
	bool quiet;	      /* errors are shown by the caller, not logged */
	_Atomic uint64_t patience_ns; /* 0: PATIENCE_NS */
	atomic_bool met;	      /* an engine has answered */
	pthread_key_t text_key;	      /* each thread's latest failure */
	struct hlc clock;
	_Atomic(struct client_context *)
		contexts[CONTEXTS_MAX]; /* the first CONTEXT_POOL: of calls without event */
	struct handle_table handles;
	atomic_uint
		closings; /* containers closed so far: contexts look whether to drop something */
	struct servers servers;
	struct embedded_door door;
};

/* The client whose loop runs the calling fiber, else that of daos_init(), up or not. */
struct client *client_here(void);
/* Whether it lives on somebody else's loop. */
static inline bool
client_is_hosted(const struct client *client)
{
	return client->arena != NULL;
}
/* How long its operations wait for an engine that is away. */
static inline uint64_t
client_patience(struct client *client)
{
	uint64_t patience = atomic_load_explicit(&client->patience_ns, memory_order_relaxed);

	return patience ? patience : PATIENCE_NS;
}
/* 0 or -DER_UNINIT. */
MUST_USE int client_check(struct client *client);
/* Keeps text as the calling thread's latest failure. */
void client_keep_text(struct client *client, const char *text);
/* Refuses a call before it is launched: raises code and keeps the text for the calling thread. */
#define client_refuse(...) client_refused(client_here(), error_raise(__VA_ARGS__))
int client_refused(struct client *client, int code);
/* What is known of code: the text of the running fiber, or where servers were looked for. */
const char *client_explain(struct client *client, int code);

/* Looks for servers, once. -DER_AGENT_COMM; errors of an embedded engine. On a fiber it *yields*,
 * else it blocks the thread. */
MUST_USE int client_find(struct client *client);
/*
 * Looks once more after nobody answered at the places found before; 0 when there are places to try
 * again. -DER_AGENT_COMM, as the first time. *Yields*.
 */
MUST_USE int client_find_again(struct client *client);
/* Where they are, after client_find(): copied, as another thread may be looking again. */
uint32_t client_addresses(struct client *client,
			  char ret_addresses[SERVERS_MAX][PROTO_ADDRESS_MAX + 1]);

/* ------------------------------------------------ embedded.c */

/*
 * Makes sure that some process serves the directory: this one, where no other has it. 0 when this
 * one does; -DER_BUSY and -DER_NO_PERM when another one does or may, with the address of its socket
 * in servers; other failures. Their text is in servers. Blocks the thread.
 */
MUST_USE int embedded_serve(struct client *client, const char *directory, struct servers *servers);
/* What an RPC end asks when nobody answers, of a struct client: -DER_UNREACH unless this process is
 * to serve an embedded directory. *Yields*. */
int embedded_unreached(void *owner);
/* Stops the engine, if it is this process that serves. */
void embedded_stop(struct client *client);
/* After fork: engine and lock are the parent's. */
void embedded_renew(struct client *client);

/*
 * Runs function(argument) on a thread of its own and waits for it, on a fiber: for what blocks, or
 * needs more stack than a fiber has. *Yields*, uninterruptible. -DER_NOMEM and others of the
 * thread's start, else its result.
 */
MUST_USE int client_on_thread(int (*function)(void *argument), void *argument);

/* ------------------------------------------------ find.c: pure but for a look at the file system
 */

/* What find needs of the world; a test gives its own. */
struct places {
	const char *engine;	     /* CAIRN_ENGINE; NULL: not set */
	const char *agent_directory; /* DAOS_AGENT_DRPC_DIR */
	const char *user_directory;
	const char *system_directory;
};
/* Fills servers from the first place that has an engine; else its failure text names what each
 * place has. */
MUST_USE int servers_find(const struct places *places, struct servers *servers);
/* 0 when somebody listens at the Unix socket path, else an errno. */
int socket_probe(const char *path);
/* Drops the addresses of a pool map that the user's choice of scheme excludes; keeps all when none
 * would be left. */
void servers_filter(const struct servers *servers, struct proto_map *map);

/* ------------------------------------------------ contexts */

/* A connected pool or open container as this context knows it. */
struct context_container;
struct context_pool;

/* The events of a queue, or of a scheduler of tasks; of a context those without a queue, too. Under
 * the context's lock. */
struct event_set {
	struct list link; /* of the context's sets */
	struct client_context *context;
	bool taken;	       /* by an event queue (the client's lock) or a scheduler of tasks */
	struct list running;   /* events whose operation or children are not over */
	struct list finished;  /* their callbacks are still to be called */
	struct list completed; /* to be polled */
	atomic_uint running_count; /* events launched and not completed */
	atomic_uint finished_count;
	atomic_uint completed_count;
	atomic_bool closed; /* the queue is being destroyed: pollers leave */
};
void event_set_init(struct client_context *context, struct event_set *set);

/*
 * A loop with its own connections. Whoever drives it steps the loop; the others wait until what
 * they look for has happened or the driver leaves. A host's loop is driven by the host alone: calls
 * wait by yielding.
 */
struct client_context {
	struct client *client;
	struct env *env;
	struct loop *loop;
	struct rpc *rpc;
	struct rpc_window *window; /* of requests to services */
	struct list pools;	   /* struct context_pool; loop */
	struct list containers;	   /* struct context_container; loop */
	uint32_t closings;	   /* client->closings when last swept; loop */

	pthread_mutex_t lock; /* all below */
	pthread_cond_t changed;
	bool driven;
	uint32_t waiters;
	struct event_set events;
	struct list sets; /* struct event_set, of schedulers; of a host's queues, now and before */
	/* Of a host's client; loop. */
	struct wait_queue waiting; /* fibers that wait for a change */
	uint32_t set_count;	   /* of queues */
};

/* What a context has before it has a loop, and what it has on its loop. */
void context_prepare(struct client *client, struct client_context *context);
MUST_USE int context_connect(struct client_context *context);
/* Ends all connections with a goodbye; the last operation of a context, on a fiber. *Yields*. */
void context_close(struct client_context *context);
/* Undoes context_prepare(). */
void context_fini(struct client_context *context);
/* Cancels what runs under events; whether there is any. */
bool context_abort_all(struct client_context *context);
MUST_USE int context_create(struct client *client, struct client_context **ret_context);
/* Ends all connections with a goodbye; nothing may run. */
void context_destroy(struct client_context *context);
/* A context for a call without event: one that nobody drives, or any. -DER_NOMEM and others. */
MUST_USE int context_pick(struct client *client, struct client_context **ret_context);
/* The events of a context of its own for an event queue; with a host those of one more queue on the
 * only context. -DER_NOMEM, -DER_OVERFLOW when there are too many. */
MUST_USE int context_take(struct client *client, struct event_set **ret_set);
void context_give(struct event_set *set);
/* A set of its own on context, never given to a queue. -DER_NOMEM. */
MUST_USE int context_add_set(struct client_context *context, struct event_set **ret_set);
/* Gives it back; no event of it is running or finished. */
void context_drop_set(struct event_set *set);
/* All that are left, when nothing runs any more. */
void context_drop_sets(struct client_context *context);
/* The context whose loop runs the calling fiber, or NULL. */
struct client_context *context_here(void);

/*
 * With the lock held: drives the loop, or waits for whoever does, until done(argument) or the
 * deadline (monotonic; 0: two turns; UINT64_MAX: none). done is also called without the lock.
 */
void context_drive(struct client_context *context, bool (*done)(void *argument), void *argument,
		   uint64_t deadline);
/* As context_drive() without a deadline, and uninterruptible. */
void context_drive_plain(struct client_context *context, bool (*done)(void *argument),
			 void *argument);
/* Why a fiber of a host may not wait any longer: 0, -DER_CANCELED, -DER_TIMEDOUT. */
MUST_USE int context_interrupted(struct client_context *context);
/* Whether a wait until deadline may be begun again. */
bool context_wait_goes_on(struct client_context *context, uint64_t deadline);
/* Tells those who wait that something has changed. With the lock held. */
void context_notify(struct client_context *context);
/* Also tells the thread that drives. With the lock held. */
void context_wake(struct client_context *context);
/* Deadline of a time-out in microseconds as the public calls have it: < 0 for ever. */
uint64_t context_deadline(struct client_context *context, int64_t timeout_us);

/* ------------------------------------------------ operations */

/* One call of client_run() that runs on a fiber of its own. */
struct operation {
	struct loop_message launch; /* to a loop that somebody else drives */
	struct loop_message abort;
	struct client_context *context;
	int (*function)(void *arguments);
	void *arguments;
	struct event *event;	/* NULL: somebody waits for done */
	struct fiber *fiber;	/* while it runs; loop */
	bool canceled;		/* before it ran; loop */
	atomic_uint references; /* with an event: its own, and that of an abort under way */
	atomic_bool aborting;
	atomic_bool done;
	int result;
	char text[256]; /* why it failed */
};

/* Cancels an event's operation. With the context's lock held. */
void operation_abort(struct operation *operation);

/* ------------------------------------------------ events */

#define EVENT_CALLBACKS_MAX 8u

struct event_callback {
	daos_event_comp_cb_t function;
	void *argument;
};

/* Lies in daos_event_t.ev_private. */
struct event {
	struct list link; /* of a list of the context */
	struct list children;
	struct list child_link;
	struct event *parent;
	struct event_set *set;
	struct operation *operation;
	struct event_callback *callbacks; /* NULL, or EVENT_CALLBACKS_MAX */
	uint8_t state;			  /* daos_ev_status_t */
	atomic_uchar stage;		  /* enum event_stage */
	uint8_t callback_count;
	bool queued; /* belongs to an event queue, which polls it */
	uint32_t children_running;
	uint32_t life; /* of the client that it was made for; a later one has nothing of its context
			*/
	uint64_t magic;
};

enum event_stage { EVENT_IDLE, EVENT_OPERATION, EVENT_CHILDREN, EVENT_FINISHED, EVENT_COMPLETED };

_Static_assert(sizeof(struct event) <= sizeof(((daos_event_t *)0)->ev_private), "public layout");

struct event *event_of(daos_event_t *event);
daos_event_t *event_public(struct event *event);
/* Marks an event as launched; with the context's lock held. -DER_INVAL, -DER_BUSY. */
MUST_USE int event_begin(struct event *event, struct operation *operation);
/* Undoes event_begin(). With the lock held. */
void event_unlaunch(struct event *event);
/* Readies an event of set, which belongs to no queue. */
void event_init_in(struct event_set *set, daos_event_t *event);
/* Takes one finished event, without children and callbacks, out of set: it can be launched again.
 * NULL when there is none. With the lock held. */
struct event *event_take_finished(struct event_set *set);
/* Its operation has ended. On the loop; takes the lock. */
void event_finish(struct event *event, int result);

struct event_queue {
	struct handle handle;
	struct event_set *set;
};
/* After fork: a new context. */
MUST_USE int event_queue_renew(struct client *client, struct event_queue *queue);

/* ------------------------------------------------ pools, containers, objects */

struct client_pool {
	struct handle handle;
	struct uuid id;
	struct uuid handle_id;
	uint32_t flags;
	uint32_t capabilities;
	bool borrowed;		/* of another process: closing it sends nothing */
	atomic_uint containers; /* open through it */
	struct placement_map placement;
	uint32_t engines;
	uint8_t *map; /* encoded proto_map */
	uint32_t map_length;
};

struct client_container {
	struct handle handle;
	struct client_pool *pool; /* a reference */
	struct uuid id;
	struct uuid handle_id;
	uint32_t flags;
	uint32_t capabilities;
	bool borrowed;
	uint64_t epoch; /* what reads without a transaction see, and no writes; 0: the newest */
	atomic_bool closed;
	struct proto_properties *properties; /* as at open; one block */
};

/* Positions of listings that do not fit into an anchor; the oldest is forgotten first. */
#define POSITIONS_KEPT 64u

struct kept_position {
	uint64_t number; /* 0: free */
	struct objio_position position;
};

/* An object, key-value store or array; DRAM only. */
struct client_object {
	struct handle handle;
	struct client_container *container; /* a reference */
	struct object_id id;
	uint32_t mode;
	uint64_t cell_size, chunk_size; /* arrays */
	pthread_mutex_t lock;		/* below */
	uint64_t position_number;
	struct kept_position *positions; /* NULL, or POSITIONS_KEPT */
};

/* -DER_UNINIT, -DER_NO_HDL. Given back by handle_put(). */
MUST_USE int client_pool_get(daos_handle_t cookie, struct client_pool **ret_pool);
MUST_USE int client_container_get(daos_handle_t cookie, struct client_container **ret_container);
MUST_USE int client_object_get(daos_handle_t cookie, uint32_t type,
			       struct client_object **ret_object);
MUST_USE int object_open(daos_handle_t container, daos_obj_id_t oid, uint32_t mode, uint32_t type,
			 struct client_object **ret_object);
/* Gives it a cookie; frees it on failure. */
MUST_USE int object_publish(struct client_object *object, daos_handle_t *ret_cookie);
MUST_USE int object_close(daos_handle_t cookie, uint32_t type);

void client_pool_put(struct client_pool **pool);
void client_container_put(struct client_container **container);
void client_object_put(struct client_object **object);
#define SCOPED_POOL __attribute__((cleanup(client_pool_put))) struct client_pool *
#define SCOPED_CONTAINER __attribute__((cleanup(client_container_put))) struct client_container *
#define SCOPED_OBJECT __attribute__((cleanup(client_object_put))) struct client_object *

/*
 * The open container on the loop of the calling fiber, made when first used there;
 * context_container_put() when the operation is over. -DER_NOMEM and what objio_pool_create()
 * returns.
 */
MUST_USE int context_container_get(struct client_context *context,
				   struct client_container *container, struct objio **ret_objio,
				   struct context_container **ret_entry);
void context_container_put(struct context_container *entry);

struct client_tx;
void client_tx_put(struct client_tx **tx);

/* An object while one operation uses it, on a fiber. */
struct object_use {
	struct client_context *context;
	struct client_object *object;
	struct objio *objio;
	struct context_container *entry;
	struct client_tx *tx;	/* NULL: none */
	struct objio_view view; /* without one: epoch 0, or that of the container's handle */
};
/* What its reads see outside of a transaction. */
static inline struct objio_view *
use_view(struct object_use *use)
{
	return use->view.epoch ? &use->view : NULL;
}
MUST_USE int object_begin(daos_handle_t cookie, uint32_t type, struct object_use *ret_use);
/* As object_begin(), for a change: -DER_NO_PERM where the object was opened for reading only, or
 * through a container's handle at a snapshot. */
MUST_USE int object_begin_change(daos_handle_t cookie, uint32_t type, struct object_use *ret_use);
/* The same in a transaction, or in none (DAOS_TX_NONE). -DER_TX_RESTART for one that has to be
 * restarted, -DER_NO_PERM for one that is over, or only reads, -DER_INVAL for one of another
 * container. */
MUST_USE int object_begin_in(daos_handle_t transaction, daos_handle_t cookie, uint32_t type,
			     struct object_use *ret_use);
MUST_USE int object_begin_change_in(daos_handle_t transaction, daos_handle_t cookie, uint32_t type,
				    struct object_use *ret_use);
/* Joins a transaction; object_end() leaves it. */
MUST_USE int tx_join(struct object_use *use, daos_handle_t transaction, bool change);
void object_end(struct object_use *use);
#define SCOPED_USE __attribute__((cleanup(object_end))) struct object_use

/* As the objio call of that name on the object in use: at the transaction's point in time, or, for
 * a write, kept until it commits. *Yield*. */
MUST_USE int use_fetch(struct object_use *use, struct objio_key dkey, struct objio_akey *akeys,
		       uint32_t akey_count, uint32_t conditions, bool want_runs);
MUST_USE int use_list(struct object_use *use, uint32_t level, struct objio_key dkey,
		      struct objio_key akey, uint32_t limit, struct objio_position *position,
		      int (*visit)(void *argument, const struct objio_entry *entry),
		      void *argument);
MUST_USE int use_query_key(struct object_use *use, uint32_t flags, struct objio_key dkey,
			   struct objio_key akey, struct proto_object_queried *ret_result);
MUST_USE int use_update(struct object_use *use, struct objio_key dkey, struct objio_akey *akeys,
			uint32_t akey_count, uint32_t conditions);
MUST_USE int use_punch_object(struct object_use *use, uint32_t conditions);
MUST_USE int use_punch_dkeys(struct object_use *use, const struct objio_key *dkeys, uint32_t count,
			     uint32_t conditions);
MUST_USE int use_punch_akeys(struct object_use *use, struct objio_key dkey,
			     const struct objio_key *akeys, uint32_t count, uint32_t conditions);

/* One more handle of an open container, which is borrowed from it and shows what was at epoch. */
MUST_USE int container_fix(const struct client_container *container, uint64_t epoch,
			   daos_handle_t *ret_handle);

/* As daos_cont_create(), under an id of the caller's. */
MUST_USE int container_create_as(daos_handle_t pool, struct uuid id, daos_prop_t *properties,
				 daos_event_t *event);

/* -DER_NO_HDL for what is neither DAOS_TX_NONE nor an open transaction. */
MUST_USE int check_transaction(daos_handle_t transaction);

static inline struct object_id
object_id_of(daos_obj_id_t oid)
{
	return (struct object_id){.lo = oid.lo, .hi = oid.hi};
}

static inline struct objio_key
objio_key_of(const daos_key_t *key)
{
	return (struct objio_key){.data = key->iov_buf, .length = (uint32_t)key->iov_len};
}

/* -DER_INVAL for a key that is absent, empty, or longer than any may be. */
MUST_USE int check_key(const daos_key_t *key);

/* ------------------------------------------------ buffers */

/* The buffers of sgl as vector; capacity: as long as they are, otherwise as far as they hold data.
 * From the context's arena; NULL with *ret_count 0 for no buffers. */
MUST_USE int sgl_vector(struct arena *arena, const d_sg_list_t *sgl, bool capacity,
			struct iovec **ret_iov, uint32_t *ret_count);
/* Notes that length bytes were stored in sgl. */
void sgl_filled(d_sg_list_t *sgl, uint64_t length);

/* ------------------------------------------------ anchors */

/* Anchors keep a position inside, or, when it is too long, in the object. -DER_INVAL for an anchor
 * that was forgotten or never was one. */
MUST_USE int anchor_load(struct client_object *object, const daos_anchor_t *anchor,
			 struct objio_position *ret_position);
MUST_USE int anchor_store(struct client_object *object, const struct objio_position *position,
			  daos_anchor_t *anchor);
/* Restricts an anchor to one group; the group it is restricted to, or false. */
void anchor_restrict(daos_anchor_t *anchor, uint32_t group);
bool anchor_restricted(const daos_anchor_t *anchor, uint32_t *ret_group);

/* ------------------------------------------------ requests to services */

struct service_request {
	struct client_context *context;
	uint32_t operation;
	bool modifying;
	struct writer body;
};

/* Begins a request whose body the caller then writes. On a fiber. */
void service_begin(struct client_context *context, uint32_t operation, bool modifying,
		   struct service_request *request);
/*
 * Sends it to the service of a pool (NULL: of the system) until an answer is final or patience has
 * run out, and frees the request. *ret_reply goes to rpc_reply_free() in any case. *Yields*.
 */
MUST_USE int service_send(struct service_request *request, const struct client_pool *pool,
			  struct rpc_reply *ret_reply);
/* As service_send() for answers without a body. */
MUST_USE int service_tell(struct service_request *request, const struct client_pool *pool);

struct uuid context_draw_uuid(struct client_context *context);
/* A name as a user gives it: id or label. -DER_INVAL. */
MUST_USE int name_parse(const char *text, struct proto_name *ret_name);

/* Asks for what wanted (enum proto_answer) says; either output may be NULL. *ret_properties is to
 * be freed by daos_prop_free(). On a fiber. *Yields*. */
MUST_USE int client_container_query(const struct client_container *container, uint32_t wanted,
				    daos_cont_info_t *ret_info, daos_prop_t **ret_properties);
MUST_USE int client_container_set(const struct client_container *container,
				  const daos_prop_t *properties);
/* Sends a change of an access list to the service of a pool. On a fiber. *Yields*. */
MUST_USE int client_acl_change(const struct client_pool *pool, uint32_t operation,
			       const struct proto_acl_change *change);

/* User attributes, alike for pools and containers; handle is that of either. */
struct attribute_call {
	const struct client_pool *pool;
	struct uuid handle;
	uint32_t operation;
	int count;
	char const *const *names;
	void const *const *values; /* set */
	void *const *buffers;	   /* get */
	const size_t *value_sizes; /* set */
	size_t *sizes;		   /* get */
	char *list;		   /* list */
	size_t *list_size;
};
MUST_USE int client_attributes_check(int count, char const *const names[]);
MUST_USE int client_attributes_set(const struct attribute_call *call);
MUST_USE int client_attributes_get(const struct attribute_call *call);
MUST_USE int client_attributes_list(const struct attribute_call *call);
MUST_USE int client_attributes_delete(const struct attribute_call *call);

/* Properties to and from the wire; texts borrow. -DER_INVAL. */
MUST_USE int properties_to_wire(const daos_prop_t *properties, struct proto_properties *ret_wire);
MUST_USE int properties_from_wire(const struct proto_properties *wire,
				  daos_prop_t **ret_properties);
/* A copy in one block, for client_free(). -DER_NOMEM; -DER_PROTO for what is no property. */
MUST_USE int properties_keep(const struct proto_properties *wire,
			     struct proto_properties **ret_kept);
/* The number of a property; 0 where there is none. */
uint64_t properties_number(const struct proto_properties *properties, uint32_t type);
