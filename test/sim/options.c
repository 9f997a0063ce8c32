/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See options.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/options.h"

const char options_usage[] =
	"usage: sim --seed N | --seconds S [--seed FIRST] | --replay FILE | --bugs | --hunt S\n"
	"\n"
	"  --seed N           one run; the last line is a JSON object\n"
	"  --seconds S        fresh seeds from --seed on, for so long, on all cores\n"
	"  --seeds N          at most so many\n"
	"  --replay FILE      runs a scenario file\n"
	"  --bugs             each seeded bug must be found by its stored seed\n"
	"  --hunt S           searches for each seeded bug afresh, each for at most S seconds\n"
	"  --profile NAME     swarm, lite, disk, net, power, clock\n"
	"  --nodes N --clients N --ops N --sim-seconds S   instead of what the seed draws\n"
	"  --knob NAME=N      any knob of a plan (--print shows them)\n"
	"  --seed-bug N       arms a seeded bug\n"
	"  --twice            runs twice and compares the traces\n"
	"  --shrink           on failure, looks for the smallest scenario: ./shrunk-SEED\n"
	"  --trace-from T     log lines and traces from simulated second T on\n"
	"  --stop-at N        ends after N events\n"
	"  --jobs N           processes at the same time [cores]\n"
	"  --until-fail       the first failure ends a campaign\n"
	"  --cpu-limit S      CPU seconds of one run [60]\n"
	"  --print            shows the plan and runs nothing\n"
	"  --commit TEXT      for the report\n"
	"\n"
	"exit: 0 pass, 1 safety, 2 liveness, 3 non-determinism, 4 assertion or signal, 5 budget,\n"
	"6 a checker gave up, 64 usage\n";

/* ------------------------------------------------ values */

static int
read_number(const char *text, uint64_t *ret_number)
{
	char *end;
	uint64_t number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		return error_raise(-DER_INVAL, "\"%s\" is no number", text);
	*ret_number = number;
	return 0;
}

static void
fix(struct options *options, enum knob knob, uint64_t value)
{
	options->plan.fixed[knob] = true;
	options->plan.knobs[knob] = value;
}

static int
read_knob(struct options *options, const char *text)
{
	const char *sign = strchr(text, '=');
	char name[32];
	uint64_t value;
	enum knob knob;
	int rc;

	if (sign == NULL || (size_t)(sign - text) >= sizeof(name))
		return error_raise(-DER_INVAL, "\"%s\" is not NAME=N", text);
	memcpy(name, text, (size_t)(sign - text));
	name[sign - text] = '\0';
	rc = knob_named(name, &knob);
	if (rc == 0)
		rc = read_number(sign + 1, &value);
	if (rc == 0)
		fix(options, knob, value);
	return rc;
}

static int
read_profile(struct options *options, const char *text)
{
	int rc = profile_named(text, &options->plan.profile);

	if (rc == 0 && !profile_built(options->plan.profile))
		return error_raise(-DER_NOSYS, "profile %s: what it needs is not built yet", text);
	return rc;
}

/* ------------------------------------------------ the table */

enum word {
	WORD_SEED,
	WORD_SECONDS,
	WORD_SEEDS,
	WORD_JOBS,
	WORD_CPU_LIMIT,
	WORD_TRACE_FROM,
	WORD_STOP_AT,
	WORD_BUG,
	WORD_NODES,
	WORD_CLIENTS,
	WORD_OPS,
	WORD_SIM_SECONDS,
	WORD_HUNT,
	WORD_NUMBERS, /* those above take a number, those below a text */
	WORD_PROFILE,
	WORD_KNOB,
	WORD_REPLAY,
	WORD_COMMIT,
	WORD_TEXTS, /* those below take nothing */
	WORD_BUGS,
	WORD_TWICE,
	WORD_SHRINK,
	WORD_UNTIL_FAIL,
	WORD_PRINT,
	WORD_HELP,
	WORDS
};

static const char *const words_table[WORDS] = {
	[WORD_SEED] = "--seed",
	[WORD_SECONDS] = "--seconds",
	[WORD_SEEDS] = "--seeds",
	[WORD_JOBS] = "--jobs",
	[WORD_CPU_LIMIT] = "--cpu-limit",
	[WORD_TRACE_FROM] = "--trace-from",
	[WORD_STOP_AT] = "--stop-at",
	[WORD_BUG] = "--seed-bug",
	[WORD_NODES] = "--nodes",
	[WORD_CLIENTS] = "--clients",
	[WORD_OPS] = "--ops",
	[WORD_SIM_SECONDS] = "--sim-seconds",
	[WORD_HUNT] = "--hunt",
	[WORD_PROFILE] = "--profile",
	[WORD_KNOB] = "--knob",
	[WORD_REPLAY] = "--replay",
	[WORD_COMMIT] = "--commit",
	[WORD_BUGS] = "--bugs",
	[WORD_TWICE] = "--twice",
	[WORD_SHRINK] = "--shrink",
	[WORD_UNTIL_FAIL] = "--until-fail",
	[WORD_PRINT] = "--print",
	[WORD_HELP] = "--help",
};

static void
take_number(struct options *options, enum word word, uint64_t number)
{
	switch (word) {
	case WORD_SEED:
		options->seed = number;
		break;
	case WORD_SECONDS:
		options->action = ACTION_CAMPAIGN;
		options->seconds = number;
		break;
	case WORD_SEEDS:
		options->action = ACTION_CAMPAIGN;
		options->seeds = number;
		break;
	case WORD_HUNT:
		options->action = ACTION_HUNT;
		options->seconds = number;
		break;
	case WORD_JOBS:
		options->jobs = (uint32_t)max_of(number, (uint64_t)1);
		break;
	case WORD_CPU_LIMIT:
		options->cpu_limit = number * SECOND;
		break;
	case WORD_TRACE_FROM:
		options->trace_from = number * SECOND;
		break;
	case WORD_STOP_AT:
		options->stop_at = number;
		break;
	case WORD_BUG:
		options->plan.bug = (uint32_t)number;
		break;
	case WORD_NODES:
		fix(options, KNOB_SERVERS, number);
		break;
	case WORD_CLIENTS:
		fix(options, KNOB_CLIENTS, number);
		break;
	case WORD_OPS:
		fix(options, KNOB_OPERATIONS, number);
		break;
	case WORD_SIM_SECONDS:
		fix(options, KNOB_SECONDS, number);
		break;
	default:
		ASSERT(false);
	}
}

static int
take_text(struct options *options, enum word word, const char *text)
{
	switch (word) {
	case WORD_PROFILE:
		return read_profile(options, text);
	case WORD_KNOB:
		return read_knob(options, text);
	case WORD_REPLAY:
		options->action = ACTION_REPLAY;
		options->replay = text;
		return 0;
	default:
		ASSERT(word == WORD_COMMIT);
		options->commit = text;
		return 0;
	}
}

static void
take_flag(struct options *options, enum word word)
{
	switch (word) {
	case WORD_BUGS:
		options->action = ACTION_BUGS;
		break;
	case WORD_TWICE:
		options->twice = true;
		break;
	case WORD_SHRINK:
		options->shrink = true;
		break;
	case WORD_UNTIL_FAIL:
		options->until_fail = true;
		break;
	case WORD_PRINT:
		options->print = true;
		break;
	default:
		ASSERT(word == WORD_HELP);
		options->action = ACTION_HELP;
	}
}

static enum word
word_find(const char *text)
{
	for (uint32_t i = 0; i < WORDS; i++) {
		if (words_table[i] && strcmp(words_table[i], text) == 0)
			return (enum word)i;
	}
	return WORDS;
}

/* Takes words[0] and what belongs to it; *ret_used words. */
static int
take_word(struct options *options, int count, char *const *words, int *ret_used)
{
	enum word word = word_find(words[0]);
	uint64_t number;
	int rc;

	if (word == WORDS)
		return error_raise(-DER_INVAL, "there is no option \"%s\"", words[0]);
	*ret_used = word > WORD_TEXTS ? 1 : 2;
	if (word > WORD_TEXTS) {
		take_flag(options, word);
		return 0;
	}
	if (count < 2)
		return error_raise(-DER_INVAL, "%s wants a value", words[0]);
	if (word > WORD_NUMBERS)
		return take_text(options, word, words[1]);
	rc = read_number(words[1], &number);
	if (rc == 0)
		take_number(options, word, number);
	return rc;
}

static int
take_words(struct options *options, int count, char *const *words)
{
	int rc = 0, used = 0;

	for (int i = 0; rc == 0 && i < count; i += used)
		rc = take_word(options, count - i, words + i, &used);
	return rc;
}

int
options_read(int count, char *const *words, struct options *ret_options)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	struct options options = {
		.action = ACTION_SEED,
		.jobs = cores > 0 ? (uint32_t)cores : 1,
		.cpu_limit = 60 * SECOND,
		.trace_from = UINT64_MAX,
		.stop_at = UINT64_MAX,
		.seeds = UINT64_MAX,
		.seconds = UINT64_MAX,
		.commit = "unknown",
	};
	int rc = count ? take_words(&options, count, words)
		       : error_raise(-DER_INVAL, "nothing to do");

	/* With --shrink the time is that of the search. */
	if (options.shrink && options.action == ACTION_CAMPAIGN)
		options.action = ACTION_SEED;
	if (rc == 0)
		*ret_options = options;
	return rc;
}

int
options_read_text(const char *text, struct options *options)
{
	char copy[512], *words[64], *rest = copy;
	int count = 0;

	if (strlen(text) >= sizeof(copy))
		return error_raise(-DER_INVAL, "too long: %s", text);
	strcpy(copy, text);
	for (char *word; count < 64 && (word = strsep(&rest, " ")) != NULL;)
		if (*word)
			words[count++] = word;
	return take_words(options, count, words);
}
