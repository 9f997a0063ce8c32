/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* An intrusive doubly-linked list. The head and the links in the members have the same type. */
#pragma once

#include "base/compiler.h"

/*
 * A head, or the link inside a member. A zeroed head is an empty list. A zeroed link is in no list,
 * and list_remove() leaves one behind, so that list_linked() tells whether a member is in a list.
 */
struct list {
	struct list *next;
	struct list *previous;
};

static inline void
list_init(struct list *head)
{
	head->next = head;
	head->previous = head;
}

static inline bool
list_empty(const struct list *head)
{
	return head->next == NULL || head->next == head;
}

/* Whether link is a member of some list. */
static inline bool
list_linked(const struct list *link)
{
	return link->next != NULL;
}

/* Puts link, which is in no list, directly before position: a member, or an initialised head for
 * the end. */
static inline void
list_insert_before(struct list *position, struct list *link)
{
	link->next = position;
	link->previous = position->previous;
	position->previous->next = link;
	position->previous = link;
}

/* Puts link, which is in no list, at the end. */
static inline void
list_append(struct list *head, struct list *link)
{
	if (head->next == NULL)
		list_init(head);
	list_insert_before(head, link);
}

/* Puts link, which is in no list, at the beginning. */
static inline void
list_prepend(struct list *head, struct list *link)
{
	if (head->next == NULL)
		list_init(head);
	list_insert_before(head->next, link);
}

/* Takes link out of its list; nothing happens when it is in none. */
static inline void
list_remove(struct list *link)
{
	if (link->next == NULL)
		return;
	link->next->previous = link->previous;
	link->previous->next = link->next;
	link->next = NULL;
	link->previous = NULL;
}

/* The first or last link, or NULL when the list is empty. */
static inline struct list *
list_first(const struct list *head)
{
	return list_empty(head) ? NULL : head->next;
}

static inline struct list *
list_last(const struct list *head)
{
	return list_empty(head) ? NULL : head->previous;
}

/* Takes the first link out and returns it, or NULL when the list is empty. */
static inline struct list *
list_pop(struct list *head)
{
	struct list *link = list_first(head);

	if (link)
		list_remove(link);
	return link;
}

/* Moves all members of from to the end of to; from is empty afterwards. */
static inline void
list_splice(struct list *to, struct list *from)
{
	if (list_empty(from))
		return;
	if (to->next == NULL)
		list_init(to);
	from->next->previous = to->previous;
	to->previous->next = from->next;
	from->previous->next = to;
	to->previous = from->previous;
	list_init(from);
}

/* Number of members; walks the list. */
static inline size_t
list_length(const struct list *head)
{
	size_t length = 0;

	if (head->next == NULL)
		return 0;
	for (const struct list *link = head->next; link != head; link = link->next)
		length++;
	return length;
}

#define list_entry(link, type, member) container_of(link, type, member)

/* Walks the links of a list; the list must not change meanwhile. */
#define LIST_FOR_EACH(link, head) \
	for (struct list *link = (head)->next; link != NULL && link != (head); link = link->next)

/* As LIST_FOR_EACH(); the present member may be removed and freed meanwhile. */
#define LIST_FOR_EACH_SAFE(link, head)                                                   \
	for (struct list *link = (head)->next, *link##_after = link ? link->next : NULL; \
	     link != NULL && link != (head); link = link##_after, link##_after = link->next)
