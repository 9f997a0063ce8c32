/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Circular doubly linked list. d_list_t is both link and head; an unlinked node points to
 * itself.
 */
#ifndef __GURT_LIST_H__
#define __GURT_LIST_H__

#include <stddef.h>

#if defined(__cplusplus)
extern "C" {
#endif

typedef struct d_list_head {
	struct d_list_head *next;
	struct d_list_head *prev;
} d_list_t;

#define D_LIST_HEAD_INIT(name)	{&(name), &(name)}

/** Defines an empty list. */
#define D_LIST_HEAD(name)	d_list_t name = D_LIST_HEAD_INIT(name)

/** Empties a head or link. */
#define D_INIT_LIST_HEAD(ptr) \
	do { \
		(ptr)->next = (ptr); \
		(ptr)->prev = (ptr); \
	} while (0)

static inline void
d_list_insert_between(d_list_t *newe, d_list_t *prev, d_list_t *next)
{
	next->prev = newe;
	newe->next = next;
	newe->prev = prev;
	prev->next = newe;
}

/** Inserts behind head: a stack. */
static inline void
d_list_add(d_list_t *newe, d_list_t *head)
{
	d_list_insert_between(newe, head, head->next);
}

/** Inserts before head: a queue. */
static inline void
d_list_add_tail(d_list_t *newe, d_list_t *head)
{
	d_list_insert_between(newe, head->prev, head);
}

/** Unlinks; the links of entry are left as they are. */
static inline void
d_list_del(d_list_t *entry)
{
	entry->next->prev = entry->prev;
	entry->prev->next = entry->next;
}

/** Unlinks and empties entry. */
static inline void
d_list_del_init(d_list_t *entry)
{
	d_list_del(entry);
	D_INIT_LIST_HEAD(entry);
}

static inline void
d_list_move(d_list_t *list, d_list_t *head)
{
	d_list_del(list);
	d_list_add(list, head);
}

static inline void
d_list_move_tail(d_list_t *list, d_list_t *head)
{
	d_list_del(list);
	d_list_add_tail(list, head);
}

static inline int
d_list_empty(const d_list_t *head)
{
	return head->next == head;
}

/** Looks at both directions. */
static inline int
d_list_empty_careful(const d_list_t *head)
{
	return head->next == head && head->prev == head;
}

/** Joins list in behind head; list itself is left as it is. */
static inline void
d_list_splice(d_list_t *list, d_list_t *head)
{
	if (d_list_empty(list))
		return;
	list->next->prev = head;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	head->next = list->next;
}

/** d_list_splice, then empties list. */
static inline void
d_list_splice_init(d_list_t *list, d_list_t *head)
{
	d_list_splice(list, head);
	D_INIT_LIST_HEAD(list);
}

/** The struct around a link. */
#define d_list_entry(ptr, type, member)	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/** Unlinks and gives the first entry, NULL when there is none. */
#define d_list_pop_entry(list, type, member) \
	(__extension__({ \
		type *__entry = NULL; \
		if (!d_list_empty(list)) { \
			__entry = d_list_entry((list)->next, type, member); \
			d_list_del_init((list)->next); \
		} \
		__entry; \
	}))

/** Loops over links; pos may be removed only in the safe form. */
#define d_list_for_each(pos, head) \
	for (pos = (head)->next; pos != (head); pos = pos->next)

#define d_list_for_each_prev(pos, head) \
	for (pos = (head)->prev; pos != (head); pos = pos->prev)

#define d_list_for_each_safe(pos, n, head) \
	for (pos = (head)->next, n = pos->next; pos != (head); pos = n, n = pos->next)

/** Loops over the structs around the links, the type given. */
#define d_list_for_each_entry_typed(pos, head, type, member) \
	for (pos = d_list_entry((head)->next, type, member); &pos->member != (head); \
	     pos = d_list_entry(pos->member.next, type, member))

#define d_list_for_each_entry_reverse_typed(pos, head, type, member) \
	for (pos = d_list_entry((head)->prev, type, member); &pos->member != (head); \
	     pos = d_list_entry(pos->member.prev, type, member))

#define d_list_for_each_entry_safe_typed(pos, n, head, type, member) \
	for (pos = d_list_entry((head)->next, type, member), \
	    n = d_list_entry(pos->member.next, type, member); \
	     &pos->member != (head); pos = n, n = d_list_entry(n->member.next, type, member))

/** Starts at pos. */
#define d_list_for_each_entry_safe_from_typed(pos, n, head, type, member) \
	for (n = d_list_entry(pos->member.next, type, member); &pos->member != (head); \
	     pos = n, n = d_list_entry(n->member.next, type, member))

/** The same with the type taken from pos. */
#define d_list_for_each_entry(pos, head, member) \
	d_list_for_each_entry_typed(pos, head, __typeof__(*pos), member)

#define d_list_for_each_entry_reverse(pos, head, member) \
	d_list_for_each_entry_reverse_typed(pos, head, __typeof__(*pos), member)

#define d_list_for_each_entry_safe(pos, n, head, member) \
	d_list_for_each_entry_safe_typed(pos, n, head, __typeof__(*pos), member)

#define d_list_for_each_entry_safe_from(pos, n, head, member) \
	d_list_for_each_entry_safe_from_typed(pos, n, head, __typeof__(*pos), member)

#define d_list_for_each_entry_reverse_safe(pos, n, head, member) \
	for (pos = d_list_entry((head)->prev, __typeof__(*pos), member), \
	    n = d_list_entry(pos->member.prev, __typeof__(*pos), member); \
	     &pos->member != (head); \
	     pos = n, n = d_list_entry(n->member.prev, __typeof__(*pos), member))

/** Goes on behind pos. */
#define d_list_for_each_entry_continue(pos, head, member) \
	for (pos = d_list_entry(pos->member.next, __typeof__(*pos), member); \
	     &pos->member != (head); \
	     pos = d_list_entry(pos->member.next, __typeof__(*pos), member))

#if defined(__cplusplus)
}
#endif

#endif /* __GURT_LIST_H__ */
