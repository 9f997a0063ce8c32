/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* The log goes to the file that D_LOG_FILE names, from the level that D_LOG_MASK names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#define D_LOGFAC DD_FAC(test)

#include <gurt/common.h>

static char path[] = "/tmp/cairn_test_log_"
		     "XX"
		     "XX"
		     "XX";

static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	d_setenv("D_LOG_FILE", path, 1);
	d_setenv("D_LOG_MASK", "WARN,test=DEBUG", 1);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	d_log_fini();
	return unlink(path);
}

static void
read_log(char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t len;

	assert_non_null(file);
	len = fread(text, 1, size - 1, file);
	text[len] = '\0';
	fclose(file);
}

static void
test_levels(void **state)
{
	char text[4096];

	(void)state;
	D_INFO("too quiet\n");
	D_DEBUG(DB_ALL, "much too quiet %d\n", 1);
	D_WARN("loud %s\n", "enough");
	DL_ERROR(-DER_NOMEM, "cannot %s", "work");
	DS_WARN(ENOENT, "file");
	DHL_INFO(text, 0, "quiet");
	read_log(text, sizeof(text));
	assert_null(strstr(text, "quiet"));
	assert_non_null(strstr(text, "test WARN"));
	assert_non_null(strstr(text, "loud enough\n"));
	assert_non_null(strstr(text, "cannot work: DER_NOMEM(-1009): 'Out of memory'\n"));
	assert_non_null(strstr(text, "file: 2 (No such file or directory)\n"));
	assert_false(D_LOG_ENABLED(DB_ALL));
}

/* A line that is too long is cut, and still ends with a newline. */
static void
test_long_line(void **state)
{
	char text[16384], *last;

	(void)state;
	D_ERROR("%08000d\n", 1);
	D_ERROR("after\n");
	read_log(text, sizeof(text));
	last = strstr(text, "after\n");
	assert_non_null(last);
	assert_non_null(strstr(text, "000\n"));
}

static void
test_assert_ends_the_process(void **state)
{
	char text[16384];
	int status;
	pid_t pid;

	(void)state;
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		D_ASSERTF(1 == 2, "really: %d\n", 3);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	read_log(text, sizeof(text));
	assert_non_null(strstr(text, "Assertion '1 == 2' failed: really: 3\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_assert_ends_the_process),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
