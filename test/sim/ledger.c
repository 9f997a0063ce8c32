/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See ledger.h. */
#include <string.h>

#include "sim/ledger.h"

void
ledger_excuse(struct ledger *ledger, enum excuse excuse, uint64_t until)
{
	ledger->excused_until[excuse] = max_of(ledger->excused_until[excuse], until);
}

/* ------------------------------------------------ strikes */

static bool
ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), size = strlen(end);

	return length >= size && strcmp(text + length - size, end) == 0;
}

static enum damage
damage_of(const char *disk)
{
	if (ends_with(disk, ".data"))
		return DAMAGE_DATA;
	if (ends_with(disk, ".heap"))
		return DAMAGE_HEAP;
	return ends_with(disk, ".log") ? DAMAGE_LOG : DAMAGE_OTHER;
}

/* Whether what a disk holds is wrong from now on, whatever it says. */
static bool
is_damage(enum memory_fault fault)
{
	switch (fault) {
	case MEMORY_FAULT_FLIP:
	case MEMORY_FAULT_LOST_WRITE:
	case MEMORY_FAULT_MISDIRECTED_WRITE:
	case MEMORY_FAULT_TORN_WRITE:
		return true;
	default:
		return false;
	}
}

/*
 * What the engine read wrongly, and could not tell from right, it may have acted on: a start that
 * meets a wrong block of the log takes it for the end. What it reads wrongly elsewhere it finds
 * out.
 */
static bool
is_misread(enum memory_fault fault)
{
	return fault == MEMORY_FAULT_STALE_READ || fault == MEMORY_FAULT_FLIP_READ ||
	       fault == MEMORY_FAULT_MISDIRECTED_READ;
}

void
ledger_strike(struct ledger *ledger, const struct memory_strike *strike)
{
	enum damage damage;

	if (strike->disk == NULL)
		return;
	damage = damage_of(strike->disk);
	if (!is_damage(strike->fault) && !(is_misread(strike->fault) && damage == DAMAGE_LOG))
		return;
	ledger->damage |= damage;
	ledger_excuse(ledger, EXCUSE_IO, UINT64_MAX);
	if (damage == DAMAGE_LOG && ledger->log_lost_at == 0)
		ledger->log_lost_at = strike->time;
}

bool
ledger_damaged(const struct ledger *ledger)
{
	return ledger->damage != 0;
}

/* ------------------------------------------------ errors */

static const struct {
	int code;
	enum excuse excuse;
} excused_codes[] = {
	{-DER_TIMEDOUT, EXCUSE_OUTAGE}, {-DER_UNREACH, EXCUSE_OUTAGE},

	{-DER_IO, EXCUSE_IO},		{-DER_CSUM, EXCUSE_IO},	       {-DER_DF_INVAL, EXCUSE_IO},
	{-DER_DF_INCOMPT, EXCUSE_IO},	{-DER_NOSPACE, EXCUSE_SPACE},  {-DER_NOMEM, EXCUSE_MEMORY},
	{-DER_HLC_SYNC, EXCUSE_CLOCK},
};

/* Codes that say something of the data or of what was asked, not of the system: the model judges
 * them. */
static const int answers[] = {
	-DER_BUSY,     -DER_EXIST, -DER_NONEXIST, -DER_NO_PERM,	 -DER_REC2BIG, -DER_KEY2BIG,
	-DER_CANCELED, -DER_TRUNC, -DER_OVERFLOW, -DER_MISMATCH, -DER_INVAL,   -DER_NOTDIR,
};

bool
ledger_allows(const struct ledger *ledger, uint64_t now, int rc)
{
	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (answers[i] == rc)
			return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(excused_codes); i++) {
		if (excused_codes[i].code == rc &&
		    now < ledger->excused_until[excused_codes[i].excuse])
			return true;
	}
	return rc == 0;
}
