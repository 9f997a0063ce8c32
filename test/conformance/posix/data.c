/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Content: sizes, holes, appending, what stays of removed files, mapping, locks. */
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include "posix.h"

/* A sum over the whole content, which tells its bytes. */
static const char *
content(const char *name)
{
	static char text[64];
	uint64_t sum = UINT64_C(14695981039346656037), size = 0;
	unsigned char bytes[4096];
	int file = open(name, O_RDONLY);
	ssize_t length;

	while ((length = read(file, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < length; i++, size++)
			sum = (sum ^ bytes[i]) * UINT64_C(1099511628211);
	close(file);
	snprintf(text, sizeof(text), "%llu bytes, sum %016llx", (unsigned long long)size,
		 (unsigned long long)sum);
	return text;
}

static void
sizes(void)
{
	static const off_t ends[] = {0,	    1,	   7,	    4095,    4096,    4097,
				     65536, 65537, 1048575, 1048576, 1048577, 3145728};
	struct stat stat;

	for (size_t i = 0; i < COUNT_OF(ends); i++)
		for (size_t j = 0; j < COUNT_OF(ends); j += 3) {
			int file = open("s", O_RDWR | O_CREAT | O_TRUNC, 0666);

			check(pwrite(file, "abcdefgh", 8, ends[i]), "write at %ld", (long)ends[i]);
			check(ftruncate(file, ends[j]), "cut to %ld after a write at %ld",
			      (long)ends[j], (long)ends[i]);
			check(fstat(file, &stat) == 0 ? (long)stat.st_size : -1,
			      "size, %ld cut to %ld", (long)ends[i], (long)ends[j]);
			check(ftruncate(file, ends[j] + 5000), "and longer");
			check_text(content("s"), "content, %ld cut to %ld", (long)ends[i],
				   (long)ends[j]);
			close(file);
		}
	check(truncate("s", -1), "a size below nothing");
	check(truncate("absent", 1), "cut of what is absent");
}

static void
reading(void)
{
	char bytes[64] = "";
	struct iovec parts[2] = {{bytes, 3}, {bytes + 8, 20}};
	int file;

	write_file("r", "0123456789");
	file = open("r", O_RDWR);
	check(read(file, bytes, 4), "four bytes");
	check(lseek(file, 0, SEEK_CUR), "place");
	check(lseek(file, -2, SEEK_END), "from the end");
	check(read(file, bytes, 10), "up to the end");
	check(read(file, bytes, 10), "at the end");
	check(lseek(file, 100, SEEK_SET), "behind the end");
	check(read(file, bytes, 1), "behind the end is nothing");
	check(lseek(file, -1, SEEK_SET), "before the begin");
	check(preadv(file, parts, 2, 1), "in two parts");
	check(pread(file, bytes, 1, -1), "at a place below nothing");
	check(write(file, "x", 1), "a byte behind a gap");
	check_text(content("r"), "with a gap");
	check(pwritev(file, parts, 2, 50), "writing two parts");
	check(fsync(file), "fsync");
	check(fdatasync(file), "fdatasync");
	close(file);
	file = open("r", O_RDONLY);
	check(write(file, "x", 1), "writing where only reading was asked");
	check(ftruncate(file, 1), "cutting where only reading was asked");
	close(file);
	file = open("r", O_WRONLY);
	check(read(file, bytes, 1), "reading where only writing was asked");
	close(file);
	file = open(".", O_RDONLY | O_DIRECTORY);
	check(read(file, bytes, 1), "reading a directory");
	check(fsync(file), "fsync of a directory");
	close(file);
}

static void
appending(void)
{
	int first = open("a", O_WRONLY | O_CREAT | O_APPEND, 0666);
	int second = open("a", O_WRONLY | O_APPEND);

	for (int i = 0; i < 8; i++) {
		check(write(first, "one", 3), "append %d of the first", i);
		check(write(second, "two", 3), "append %d of the second", i);
	}
	check_text(content("a"), "both");
	check(pwrite(first, "X", 1, 0), "at a place, which appends too");
	check_text(content("a"), "all");
	close(first);
	close(second);
}

static void
holes(void)
{
	int file = open("h", O_RDWR | O_CREAT, 0666);
	char byte;

	check(pwrite(file, "x", 1, 1048576), "a byte behind a hole");
	check(pread(file, &byte, 1, 5), "a byte of the hole");
	check(byte, "which is zero");
	check(fallocate(file, 0, 0, 2097152) == 0 || errno == EOPNOTSUPP ? 0 : -1,
	      "longer by fallocate, or not offered");
	if (ftruncate(file, 2097152) != 0)
		exit(2);
	check(pwrite(file, "yyyyyyyyyyyyyyyyyyyyy", 21, 524288), "in the hole");
	check(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 524290, 5), "a new hole");
	check_text(content("h"), "with holes");
	check(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1048000, 9000000),
	      "a hole over the end");
	check_text(content("h"), "size stays");
	check(fallocate(file, 0, -1, 5), "from below nothing");
	check(fallocate(file, 0, 0, 0), "of nothing");
	close(file);
}

/* What was removed is used by those who have it open. */
static void
removed(void)
{
	char bytes[16] = "";
	struct stat stat;
	int file;

	write_file("g", "content");
	file = open("g", O_RDWR);
	check(unlink("g"), "removing an open file");
	check(pread(file, bytes, 7, 0), "reading it");
	check_text(bytes, "its bytes");
	check(pwrite(file, "more", 4, 7), "writing it");
	check(fstat(file, &stat) == 0 ? (long)stat.st_size : -1, "its size");
	check(fstat(file, &stat) == 0 ? (long)stat.st_nlink : -1, "its links");
	check(ftruncate(file, 2), "cutting it");
	check(fchmod(file, 0600), "its mode");
	write_file("g", "another");
	check(pread(file, bytes, 2, 0), "reading it beside one of the same name");
	check(close(file), "closing it");
	check_text(content("g"), "the other one");
}

static void
copying(void)
{
	int from, to;
	loff_t at = 2;

	write_file("c", "0123456789");
	from = open("c", O_RDONLY);
	to = open("d", O_RDWR | O_CREAT, 0666);
	check(copy_file_range(from, &at, to, NULL, 5, 0), "copying inside the file system");
	check_text(content("d"), "what was copied");
	close(from);
	close(to);
}

void
checks_data(void)
{
	group_begin("data");
	sizes();
	reading();
	appending();
	holes();
	removed();
	copying();
	group_end();
}

/* ------------------------------------------------ mapping */

void
checks_map(void)
{
	char *shared, *private;
	int file, second;
	char byte = 0;

	group_begin("map");
	file = open("m", O_RDWR | O_CREAT, 0666);
	second = open("m", O_RDWR);
	if (ftruncate(file, 16384) != 0)
		exit(2);
	shared = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(shared == MAP_FAILED ? -1 : 0, "shared");
	private = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
	check(private == MAP_FAILED ? -1 : 0, "private");
	if (shared != MAP_FAILED && private != MAP_FAILED) {
		shared[100] = 'a';
		shared[8192] = 'b';
		check(msync(shared, 16384, MS_SYNC), "made durable");
		check(pread(second, &byte, 1, 100), "read beside it");
		check(byte, "what was stored");
		check(pwrite(second, "c", 1, 101), "written beside it");
		check(shared[101], "is seen");
		private[5000] = 'p';
		check(pread(second, &byte, 1, 5000), "read where a private copy was changed");
		check(byte, "nothing of it");
		check(munmap(private, 16384), "the private one ends");
		check(munmap(shared, 16384), "the shared one ends");
	}
	check_text(content("m"), "content");
	close(second);
	close(file);
	file = open("m", O_RDONLY);
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	check(shared == MAP_FAILED ? -1 : 0, "for writing where only reading was asked");
	close(file);
	group_end();
}

/* ------------------------------------------------ locks */

static long
lock_try(void *argument)
{
	const struct flock *lock = argument;
	struct flock wanted = *lock;
	int file = open("l", O_RDWR);

	return fcntl(file, F_SETLK, &wanted);
}

static long
flock_try(void *argument)
{
	int file = open("l", O_RDWR);

	return flock(file, *(int *)argument | LOCK_NB);
}

void
checks_locks(void)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct flock first = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 10};
	struct flock second = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
	struct flock reading = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_len = 10};
	int exclusive = LOCK_EX, shared = LOCK_SH, file;

	group_begin("locks");
	write_file("l", "content");
	file = open("l", O_RDWR);
	check(fcntl(file, F_SETLK, &first), "ten bytes");
	check(as_user(getuid(), lock_try, &first) < 0, "the same by another one is refused");
	check(as_user(getuid(), lock_try, &second), "the next ten");
	check(as_user(getuid(), lock_try, &whole) < 0, "all of it is refused");
	first.l_type = F_UNLCK;
	check(fcntl(file, F_SETLK, &first), "given back");
	check(as_user(getuid(), lock_try, &whole), "all of it now");
	check(fcntl(file, F_SETLK, &reading), "for reading");
	check(as_user(getuid(), lock_try, &reading), "for reading twice");
	check(flock(file, LOCK_EX), "the other kind");
	check(as_user(getuid(), flock_try, &exclusive) < 0, "is exclusive");
	check(flock(file, LOCK_SH), "shared");
	check(as_user(getuid(), flock_try, &shared), "by two");
	check(flock(file, LOCK_UN), "given back");
	close(file);
	group_end();
}
