/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Pure: what to do after an attempt. One table of the codes that are not final. */
#include "objio/objio.h"

struct judgement {
	int code;
	uint8_t verdict; /* enum objio_verdict */
};

/*
 * A modifying request keeps its id when it is sent again, so that whatever the first attempt did
 * counts once. A new id is drawn only where the target said that it changed nothing.
 */
static const struct judgement judgements[] = {
	{-DER_UNREACH, OBJIO_WAIT},	   /* no connection: the engine may come back */
	{-DER_AGAIN, OBJIO_WAIT},	   /* connection lost after sending */
	{-DER_BUSY, OBJIO_WAIT},	   /* refused before execution */
	{-DER_OVERLOAD_RETRY, OBJIO_WAIT}, /* the same, with a queue behind it */
	{-DER_SHUTDOWN, OBJIO_WAIT},	   /* the engine is stopping */
	{-DER_INPROGRESS, OBJIO_WAIT}, /* the first arrival of the same request is being executed */
	{-DER_CSUM, OBJIO_AGAIN},      /* damaged on the way; bounded by the sender */
	{-DER_TX_RESTART, OBJIO_RESTART},  {-DER_STALE, OBJIO_REFRESH},
};

enum objio_verdict
objio_judge(int code)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(judgements); i++)
		if (judgements[i].code == code)
			return (enum objio_verdict)judgements[i].verdict;
	return OBJIO_DONE;
}
