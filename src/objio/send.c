/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* One request to one target, sent until an answer is final or patience has run out. */
#include "objio/private.h"

#define PAUSE_MIN_NS (10 * UINT64_C(1000000))
#define PAUSE_MAX_NS (500 * UINT64_C(1000000))
/* Damage on the way may be chance; damage at rest stays. */
#define AGAIN_MAX 2u
/* The target draws a newer epoch each time; where that does not help at once, its clock lies behind
 * and time will. */
#define RESTART_MAX 16u
#define RESTART_AT_ONCE 4u

struct sending {
	struct objio_pool *pool;
	struct objio_target *target;
	struct rpc_call *call;
	struct request_id id;
	uint64_t pause_ns;
	uint32_t again;
	uint32_t restarts;
	bool sent; /* some attempt may have been executed */
};

/* Sets the fiber's deadline for this request and gives the former one back at the end of the scope.
 */
struct scoped_deadline {
	uint64_t former;
};

static struct scoped_deadline
deadline_enter(struct objio_pool *pool)
{
	uint64_t patience = env_monotonic(pool->env) + pool->patience_ns;
	uint64_t former = fiber_deadline();

	fiber_set_deadline(former != 0 && former < patience ? former : patience);
	return (struct scoped_deadline){.former = former};
}

static void
deadline_leave(struct scoped_deadline *deadline)
{
	fiber_set_deadline(deadline->former);
}

/* Doubles from the least to the greatest pause, with up to half of it taken off at random. */
static int
pause_between(struct sending *sending)
{
	uint64_t pause = FAULT("objio: send again soon") ? PAUSE_MIN_NS / 10 : sending->pause_ns;

	sending->pause_ns = min_of(pause * 2, PAUSE_MAX_NS);
	return fiber_sleep(pause - env_random(sending->pool->env) % (pause / 2));
}

static int
open_id(struct sending *sending)
{
	int rc = rpc_window_open(sending->target->window, &sending->id);

	if (rc == 0) {
		sending->call->id = &sending->id;
		sending->call->again = false;
	}
	return rc;
}

static void
close_id(struct sending *sending)
{
	if (sending->call->id)
		rpc_window_close(sending->target->window, &sending->id);
	sending->call->id = NULL;
}

/* The target changed nothing: the next attempt is another request. */
static int
restart(struct sending *sending, int code)
{
	int rc = 0;

	if (sending->call->operation == PROTO_OBJECT_COMMIT)
		return code;
	REACHED("objio: a request starts over with a newer epoch");
	if (sending->restarts++ == RESTART_MAX || sending->call->id == NULL)
		return code;
	close_id(sending);
	if (sending->restarts > RESTART_AT_ONCE)
		rc = pause_between(sending);
	return rc == 0 ? open_id(sending) : rc;
}

/* Prepares the next attempt. 0: send again; otherwise the result of the whole. */
static int
prepare_again(struct sending *sending, int code)
{
	switch (objio_judge(code)) {
	case OBJIO_WAIT:
		sending->call->again = true;
		return pause_between(sending);
	case OBJIO_AGAIN:
		REACHED("objio: a request is sent again for damage on the way");
		sending->call->again = true;
		return sending->again++ < AGAIN_MAX ? 0 : code;
	case OBJIO_RESTART:
		return restart(sending, code);
	case OBJIO_REFRESH:
	case OBJIO_DONE:
		break;
	}
	return code;
}

/* What the server says about its refusal becomes the text of the error, but for outcomes that
 * callers expect. */
static int
take_failure(int code, struct rpc_reply *reply)
{
	char text[PROTO_FAILURE_MAX] = "";

	if (code == 0 || code == -DER_NONEXIST || code == -DER_EXIST || reply->message == NULL)
		return code;
	if (reader_left(&reply->body) > 0)
		proto_failure_decode(&reply->body, text, sizeof(text));
	return text[0] ? error_raise(code, "%s", text) : code;
}

/*
 * Refusals that say nothing of the request itself: the target did not look whether it had executed
 * it before. After an attempt whose answer was lost they leave the outcome open.
 */
static int
refuse_again(const struct sending *sending, bool before, int code)
{
	if (!before || sending->call->id == NULL || (code != -DER_HLC_SYNC && code != -DER_NO_HDL))
		return code;
	return error_raise(-DER_TX_UNCERTAIN,
			   "the answer was lost, and asking again is refused: %s",
			   error_description(code));
}

static int
send_until_final(struct sending *sending, struct rpc_reply *ret_reply)
{
	for (;;) {
		bool before = sending->sent;
		bool sent = false;
		int rc = rpc_call(sending->target->peer, sending->call, ret_reply, &sent);
		int next;

		sending->sent |= sent;
		if (rc == 0 && FAULT("objio: lose an answer"))
			rc = -DER_AGAIN;
		if (objio_judge(rc) == OBJIO_DONE)
			return refuse_again(sending, before, take_failure(rc, ret_reply));
		next = prepare_again(sending, rc);
		if (next != 0)
			return next == rc ? take_failure(rc, ret_reply) : next;
		rpc_reply_free(ret_reply);
	}
}

int
objio_send(struct objio_pool *pool, uint32_t target, struct rpc_call *call, bool modifying,
	   struct rpc_reply *ret_reply)
{
	__attribute__((cleanup(deadline_leave))) struct scoped_deadline deadline =
		deadline_enter(pool);
	struct sending sending = {
		.pool = pool,
		.target = &pool->targets[target],
		.call = call,
		.pause_ns = PAUSE_MIN_NS,
	};
	int rc;

	(void)deadline;
	*ret_reply = (struct rpc_reply){0};
	call->map_version = pool->map_version;
	rc = modifying ? open_id(&sending) : 0;
	if (rc == 0)
		rc = send_until_final(&sending, ret_reply);
	close_id(&sending);
	if (rc == -DER_TIMEDOUT)
		REACHED("objio: patience runs out");
	if (rc == -DER_TIMEDOUT)
		return error_raise(rc, "no answer from target %u within the time allowed; %s",
				   target,
				   !sending.sent ? "nothing was sent"
				   : modifying	 ? "whether the operation took effect is unknown"
						 : "it only reads");
	return rc;
}
