/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Access control lists: the packed form, their texts, principals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gurt/common.h>

#include "common/common.h"

static struct daos_ace *
ace_of(const char *text)
{
	struct daos_ace *ace = NULL;

	assert_int_equal(daos_ace_from_str(text, &ace), 0);
	return ace;
}

static struct daos_acl *
acl_of(const char **texts, size_t nr)
{
	struct daos_acl *acl = NULL;

	assert_int_equal(daos_acl_from_strs(texts, nr, &acl), 0);
	assert_int_equal(daos_acl_validate(acl), 0);
	return acl;
}

static void
check_texts(struct daos_acl *acl, const char *const *want, size_t want_nr)
{
	size_t nr, i;
	char **texts;

	assert_int_equal(daos_acl_to_strs(acl, &texts, &nr), 0);
	assert_int_equal(nr, want_nr);
	for (i = 0; i < nr; i++) {
		assert_string_equal(texts[i], want[i]);
		free(texts[i]);
	}
	free(texts);
}

static void
test_entry_layout(void **state)
{
	struct daos_ace *ace = daos_ace_create(DAOS_ACL_USER, "eve@");

	(void)state;
	assert_int_equal(daos_ace_get_size(ace), 40);
	assert_int_equal(ace->dae_principal_len, 8);
	assert_string_equal(daos_ace_get_principal_str(ace), "eve@");
	assert_true(daos_ace_is_valid(ace));
	ace->dae_allow_perms = DAOS_ACL_PERM_READ;
	assert_false(daos_ace_is_valid(ace));
	ace->dae_access_types = DAOS_ACL_ACCESS_ALLOW;
	assert_true(daos_ace_is_valid(ace));
	ace->dae_access_flags = DAOS_ACL_FLAG_GROUP;
	assert_false(daos_ace_is_valid(ace));
	daos_ace_free(ace);
	ace = daos_ace_create(DAOS_ACL_OWNER_GROUP, NULL);
	assert_int_equal(daos_ace_get_size(ace), 32);
	assert_int_equal(ace->dae_access_flags, DAOS_ACL_FLAG_GROUP);
	daos_ace_free(ace);
	assert_null(daos_ace_create(DAOS_ACL_USER, "eve"));
	assert_null(daos_ace_create(DAOS_ACL_GROUP, NULL));
	assert_int_equal(daos_ace_get_size(NULL), -DER_INVAL);
}

static void
test_canonical_order(void **state)
{
	const char *texts[] = {"A::EVERYONE@:r", "A:G:b@:r",	 "A::z@:rw",
			       "A:G:GROUP@:r",	 "A::OWNER@:rw", "A::a@:"};
	const char *want[] = {
		"A::OWNER@:rw", "A::z@:rw", "A::a@:", "A:G:GROUP@:r", "A:G:b@:r", "A::EVERYONE@:r"};
	const char *twice[] = {"A::a@:r", "A::a@:rw"};
	struct daos_acl *acl = acl_of(texts, 6), *copy = daos_acl_dup(acl), *none = NULL;

	(void)state;
	check_texts(acl, want, 6);
	assert_memory_equal(acl, copy, (size_t)daos_acl_get_size(acl));
	assert_int_equal(daos_acl_from_strs(twice, 2, &none), -DER_INVAL);
	assert_null(none);
	daos_acl_free(acl);
	daos_acl_free(copy);
}

static void
test_add_replace_remove(void **state)
{
	const char *texts[] = {"A::OWNER@:rw", "A::EVERYONE@:r"};
	const char *want[] = {"A::OWNER@:r", "A::u@:rwdtTaAo", "A::EVERYONE@:r"};
	struct daos_acl *acl = acl_of(texts, 2);
	struct daos_ace *user = ace_of("A::u@:rwdtTaAo"), *owner = ace_of("A::OWNER@:r"), *found;

	(void)state;
	assert_int_equal(daos_acl_add_ace(&acl, user), 0);
	assert_int_equal(daos_acl_add_ace(&acl, owner), 0);
	check_texts(acl, want, 3);
	assert_int_equal(daos_acl_get_ace_for_principal(acl, DAOS_ACL_USER, "u@", &found), 0);
	assert_int_equal(found->dae_allow_perms, DAOS_ACL_PERM_CONT_ALL);
	assert_int_equal(daos_acl_get_ace_for_principal(acl, DAOS_ACL_GROUP, "u@", &found),
			 -DER_NONEXIST);
	assert_int_equal(daos_acl_remove_ace(&acl, DAOS_ACL_OWNER, NULL), 0);
	assert_int_equal(daos_acl_remove_ace(&acl, DAOS_ACL_OWNER, NULL), -DER_NONEXIST);
	check_texts(acl, want + 1, 2);
	assert_int_equal(daos_acl_remove_ace(&acl, DAOS_ACL_USER, "u"), -DER_INVAL);
	daos_ace_free(user);
	daos_ace_free(owner);
	daos_acl_free(acl);
}

/* Bytes that came from elsewhere must not lead the walk out of the list. */
static void
test_damaged_lists(void **state)
{
	const char *texts[] = {"A::OWNER@:rw", "A::u@:r", "A::EVERYONE@:r"};
	struct daos_acl *acl = acl_of(texts, 3);
	struct daos_ace *first = daos_acl_get_next_ace(acl, NULL);
	size_t size = (size_t)daos_acl_get_size(acl), i;
	unsigned char *bytes = (unsigned char *)acl;

	(void)state;
	first->dae_principal_len = 0xfff8;
	assert_int_equal(daos_acl_validate(acl), -DER_INVAL);
	assert_null(daos_acl_get_next_ace(acl, NULL));
	first->dae_principal_len = 0;
	assert_int_equal(daos_acl_validate(acl), 0);
	for (i = 0; i < size; i++) {
		/* The length of the whole list is its owner's to keep. */
		if (i >= offsetof(struct daos_acl, dal_len) && i < sizeof(*acl))
			continue;
		bytes[i] ^= 0xff;
		daos_acl_validate(acl);
		bytes[i] ^= 0xff;
	}
	acl->dal_len -= 8;
	assert_int_equal(daos_acl_validate(acl), -DER_INVAL);
	acl->dal_len += 8;
	acl->dal_ver = 2;
	assert_int_equal(daos_acl_validate(acl), -DER_INVAL);
	assert_int_equal(daos_acl_validate(NULL), -DER_INVAL);
	daos_acl_free(acl);
}

static void
test_empty_list(void **state)
{
	struct daos_acl *acl = daos_acl_create(NULL, 0);

	(void)state;
	assert_int_equal(daos_acl_validate(acl), 0);
	assert_int_equal(daos_acl_get_size(acl), 8);
	assert_null(daos_acl_get_next_ace(acl, NULL));
	check_texts(acl, NULL, 0);
	daos_acl_free(acl);
}

static void
test_bad_texts(void **state)
{
	static const char *const bad[] = {
		"",	   "A",	       "A::a@",	  "A::a@:r:x",	  "B::a@:r",
		"A::a:r",  "AA::a@:r", "::a@:r",  "A:G:OWNER@:r", "A::GROUP@:r",
		"A::a@:x", "A:S:a@:r", "U::a@:r", "A::@:r",	  "A::a@b@:r",
	};
	struct daos_ace *ace = NULL;
	char text[600];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(daos_ace_from_str(bad[i], &ace), -DER_INVAL);
	/* It says nothing, but is one, and is written like this. */
	assert_int_equal(daos_ace_from_str("::a@:", &ace), 0);
	daos_ace_free(ace);
	ace = NULL;
	snprintf(text, sizeof(text), "A::%0300d@:r", 1);
	assert_int_equal(daos_ace_from_str(text, &ace), -DER_INVAL);
	assert_null(ace);
}

static void
test_words_and_truncation(void **state)
{
	struct daos_ace *ace = ace_of("AU:SF:u@:rw");
	char text[64], small[4];

	(void)state;
	assert_int_equal(daos_ace_to_str(ace, text, sizeof(text)), 0);
	assert_string_equal(text, "AU:FS:u@:rw");
	assert_int_equal(daos_ace_to_str(ace, small, sizeof(small)), -DER_TRUNC);
	ace->dae_audit_perms = DAOS_ACL_PERM_READ;
	assert_int_equal(daos_ace_to_str(ace, text, sizeof(text)), -DER_INVAL);
	daos_ace_free(ace);
	assert_int_equal(daos_ace_str_get_verbose("A::OWNER@:rw", text, sizeof(text)), 0);
	assert_string_equal(text, "Allow::Owner:Read/Write");
	assert_int_equal(daos_ace_str_get_verbose("A:G:GROUP@:", text, sizeof(text)), 0);
	assert_string_equal(text, "Allow:Group:Owner-Group:No-Access");
}

static void
test_stream(void **state)
{
	const char *texts[] = {"A::OWNER@:rw"};
	struct daos_acl *acl = acl_of(texts, 1);
	char *text;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_int_equal(daos_acl_to_stream(stream, acl, true), 0);
	fclose(stream);
	assert_string_equal(text, "# Entries:\n# Allow::Owner:Read/Write\nA::OWNER@:rw\n");
	free(text);
	daos_acl_free(acl);
}

static void
test_principals(void **state)
{
	enum daos_acl_principal_type type;
	uid_t uid = 77;
	gid_t gid = 77;
	char *name;

	(void)state;
	assert_int_equal(daos_acl_uid_to_principal(0, &name), 0);
	assert_string_equal(name, "root@");
	assert_int_equal(daos_acl_principal_to_uid(name, &uid), 0);
	assert_int_equal(uid, 0);
	free(name);
	assert_int_equal(daos_acl_gid_to_principal(0, &name), 0);
	assert_int_equal(daos_acl_principal_to_gid(name, &gid), 0);
	assert_int_equal(gid, 0);
	free(name);
	assert_int_equal(daos_acl_principal_to_uid("no such user at all@", &uid), -DER_NONEXIST);
	assert_int_equal(daos_acl_principal_to_uid("root", &uid), -DER_INVAL);
	assert_int_equal(daos_acl_principal_from_str("u:eve@", &type, &name), 0);
	assert_int_equal(type, DAOS_ACL_USER);
	assert_string_equal(name, "eve@");
	free(name);
	assert_int_equal(daos_acl_principal_from_str("GROUP@", &type, &name), 0);
	assert_int_equal(type, DAOS_ACL_OWNER_GROUP);
	assert_null(name);
	assert_int_equal(daos_acl_principal_from_str("x:eve@", &type, &name), -DER_INVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_layout),	     cmocka_unit_test(test_canonical_order),
		cmocka_unit_test(test_add_replace_remove),   cmocka_unit_test(test_damaged_lists),
		cmocka_unit_test(test_empty_list),	     cmocka_unit_test(test_bad_texts),
		cmocka_unit_test(test_words_and_truncation), cmocka_unit_test(test_stream),
		cmocka_unit_test(test_principals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
