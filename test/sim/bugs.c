/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* See bugs.h. A bug that needs more than load, crashes and the usual faults says so. */
#include "sim/bugs.h"

#include "base/base.h"

#define BUG_ROW(bug_number, bug_seed, bug_options, bug_name, bug_expects)             \
	{                                                                             \
		.number = (bug_number), .seed = (bug_seed), .options = (bug_options), \
		.name = (bug_name), .expects = (bug_expects)                          \
	}

const struct seeded_bug seeded_bugs[] = {
	BUG_ROW(1, 10, "--profile power --knob workloads=5", "a flush of data is skipped",
		"A power cut loses payload that was written in place and "
		"acknowledged: reads of it fail their sum. values and arrays with "
		"large values, power cuts"),
	BUG_ROW(2, 6, "--profile power --knob workloads=1",
		"a commit names the group before its own",
		"Answers leave before their group is durable: a crash loses "
		"acknowledged changes. values, power cuts or kills under load"),
	BUG_ROW(3, 36, "--profile power --knob workloads=1 --knob servers=1 --knob actors=6",
		"a fetch answers before what it saw is durable",
		"A read shows a value, then a crash takes it back: the next read is "
		"older. values with readers beside writers, crashes"),
	BUG_ROW(4, 0, "", "replay takes any intact group of its log",
		"Behind the end of a ring that went round lies an old group: replay "
		"goes on into the past, so that heaps do not open or lose changes. "
		"values, small log, crashes"),
	BUG_ROW(5, 3, "", "a checkpoint covers groups that closed while it wrote",
		"Their changes are neither in the image nor replayed: acknowledged "
		"changes vanish in a crash after it. values, load during "
		"checkpoints, crashes"),
	BUG_ROW(6, 0, "", "a checkpoint writes over the live slot of a chunk",
		"A power cut before the new entry leaves the old entry with a new "
		"or torn chunk: the zone fails its sum and the pool does not open. "
		"any load, power cuts"),
	BUG_ROW(7, 0, "", "what is written after a punch stays hidden by it",
		"A key that was punched and written again reads as absent. values "
		"with punches"),
	BUG_ROW(8, 0, "", "an array shows what lies before a punch",
		"Extents older than the punch come back when the array is written "
		"again elsewhere. arrays with punches of keys and objects"),
	BUG_ROW(10, 0, "", "the blocks of a collected value are not freed",
		"Space never returns after overwrite or delete. space"),
	BUG_ROW(11, 0, "", "the halves of a split extent count as one reference",
		"When one half is collected the other one loses its blob: it reads "
		"as damage or as somebody else's bytes. arrays with overwrites "
		"inside extents, young collection"),
	BUG_ROW(12, 0, "", "a listing that stops in a page resumes behind it",
		"Keys between the place and the end of the page are never shown. "
		"listing with small buffers"),
	BUG_ROW(13, 0, "--knob workloads=2", "a listing resumes at the key it ended with",
		"The last key of each page comes twice. listing over several pages"),
	BUG_ROW(15, 7, "", "a request that comes again is executed again",
		"A conditional insert meets its own result, an old value comes back "
		"over a newer one. values, lost answers"),
	BUG_ROW(16, 36, "", "a service's answer is not stored with the change",
		"A creation or destruction sent again is judged anew: -DER_EXIST or "
		"-DER_NONEXIST for what the caller itself did. management, lost "
		"answers"),
	BUG_ROW(17, 3, "", "a conditional insert sees only what is durable",
		"Two inserts of one key under way at the same time both succeed. "
		"values, several actors on one key with conditions on dkeys"),
	BUG_ROW(18, 0, "", "a shrunk array keeps the end of its last chunk",
		"Size and content after shrinking inside a chunk are the old ones. "
		"arrays with set_size, names with truncate"),
	BUG_ROW(19, 64, "--profile net --knob workloads=1 --knob clients=1 --knob actors=6",
		"a call that gets a credit is not woken",
		"It sleeps until its deadline and times out with nothing wrong. any "
		"load with more calls than credits (\"rpc: grant one credit only\")"),
	BUG_ROW(20, 0, "", "an answer goes to the call that has its slot now",
		"The late answer to a call that timed out is taken for that of the "
		"next: a read shows another key's value. values, patience shorter "
		"than pauses and slow disks"),
	BUG_ROW(21, 0, "", "the objects of a destroyed container are forgotten",
		"Their space never returns. management and space with containers "
		"destroyed full"),
	BUG_ROW(22, 6, "--knob workloads=8", "a move removes the name it replaces first",
		"Between two requests, and for good after a crash of the client, "
		"neither file has the name. names with moves over existing names, "
		"client crashes or readers"),
	BUG_ROW(23, 71, "--profile disk --knob workloads=5", "stored sums are not verified",
		"Damage of the disk is read as data: a part of a piece leaves with "
		"a fresh sum. values and arrays with partial reads, bit flips, "
		"misdirected and lost writes"),
	BUG_ROW(24, 1, "--knob workloads=64", "changes do not look at what transactions have read",
		"Two transactions that read the same version both replace it. bank"),
	BUG_ROW(25, 1, "--knob workloads=64", "reads do not wait for what is prepared",
		"A read sees one target before a transaction and the other one after "
		"it. bank, several targets"),
	BUG_ROW(26, 7, "--profile power --knob workloads=64 --knob actors=8 --knob servers=1",
		"reads of before a restart are forgotten",
		"A transaction that read before a crash commits after it, and "
		"another one has changed what it read. bank, crashes"),
	BUG_ROW(27, 3, "--knob workloads=64",
		"a decided transaction of before a crash is not applied everywhere",
		"The leader forgets its decision, and the others then what they had "
		"prepared: half of a transaction. bank, crashes"),
	BUG_ROW(28, 0, "--knob workloads=64", "what only a snapshot shows is collected",
		"A snapshot changes, or shows freed bytes. bank with snapshots"),
	BUG_ROW(29, 15, "--knob workloads=64", "a decision is answered before it is durable",
		"A crash takes back a transaction that was acknowledged. bank, "
		"crashes"),
	BUG_ROW(30, 2, "--knob workloads=64", "a commit that comes again is executed again",
		"It is refused for what it has done itself, and its writes are "
		"there. bank, lost answers, crashes"),
	BUG_ROW(31, 26, "--knob workloads=64", "a snapshot does not refuse older changes",
		"What it showed of an account is another version later. bank with "
		"slow transactions and snapshots"),
	BUG_ROW(33, 0, "--profile lite --knob workloads=128",
		"the data of an open file goes with its last name",
		"Whoever has it open reads zeros. links with files that lose their "
		"names while they are open"),
	BUG_ROW(34, 41, "--knob workloads=128", "that there is nothing is read at no certain epoch",
		"Two transactions that found an array empty both write its "
		"beginning. links with appends"),
	BUG_ROW(35, 0, "--profile lite --knob workloads=128",
		"a rename leaves the record of what was exported as it was",
		"Its id leads to where it was, which is nothing or something else. "
		"links with exports and renames"),
};

const uint32_t seeded_bug_count = ARRAY_SIZE(seeded_bugs);
