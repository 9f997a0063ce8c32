/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/*
 * Access control as text: ACCESS:FLAGS:PRINCIPAL:PERMISSIONS, for example "A::OWNER@:rw" or
 * "A:G:staff@:r".
 */
#include "common/common.h"

#include <gurt/common.h>

struct letter {
	char letter;
	uint64_t bit;
	const char *word;
};

/* In the order of writing. */
static const struct letter access_letters[] = {
	{'A', DAOS_ACL_ACCESS_ALLOW, "Allow"},
	{'U', DAOS_ACL_ACCESS_AUDIT, "Audit"},
	{'L', DAOS_ACL_ACCESS_ALARM, "Alarm"},
	{0, 0, NULL},
};
static const struct letter flag_letters[] = {
	{'G', DAOS_ACL_FLAG_GROUP, "Group"},
	{'P', DAOS_ACL_FLAG_POOL_INHERIT, "Pool-Inherit"},
	{'F', DAOS_ACL_FLAG_ACCESS_FAIL, "Access-Failure"},
	{'S', DAOS_ACL_FLAG_ACCESS_SUCCESS, "Access-Success"},
	{0, 0, NULL},
};
static const struct letter perm_letters[] = {
	{'r', DAOS_ACL_PERM_READ, "Read"},
	{'w', DAOS_ACL_PERM_WRITE, "Write"},
	{'c', DAOS_ACL_PERM_CREATE_CONT, "Create-Container"},
	{'d', DAOS_ACL_PERM_DEL_CONT, "Delete-Container"},
	{'t', DAOS_ACL_PERM_GET_PROP, "Get-Prop"},
	{'T', DAOS_ACL_PERM_SET_PROP, "Set-Prop"},
	{'a', DAOS_ACL_PERM_GET_ACL, "Get-ACL"},
	{'A', DAOS_ACL_PERM_SET_ACL, "Set-ACL"},
	{'o', DAOS_ACL_PERM_SET_OWNER, "Set-Owner"},
	{0, 0, NULL},
};

/* Letters to bits; false for a letter that is none or comes twice. */
static bool
letters_parse(const struct letter *letters, const char *text, uint64_t *ret_bits)
{
	uint64_t bits = 0;

	for (; *text != '\0'; text++) {
		const struct letter *l = letters;

		while (l->letter != 0 && l->letter != *text)
			l++;
		if (l->letter == 0 || (bits & l->bit) != 0)
			return false;
		bits |= l->bit;
	}
	*ret_bits = bits;
	return true;
}

/* Type of a principal as it stands in an entry. */
static enum daos_acl_principal_type
principal_type(const char *name, bool group)
{
	if (strcmp(name, DAOS_ACL_PRINCIPAL_OWNER) == 0)
		return DAOS_ACL_OWNER;
	if (strcmp(name, DAOS_ACL_PRINCIPAL_OWNER_GRP) == 0)
		return DAOS_ACL_OWNER_GROUP;
	if (strcmp(name, DAOS_ACL_PRINCIPAL_EVERYONE) == 0)
		return DAOS_ACL_EVERYONE;
	return group ? DAOS_ACL_GROUP : DAOS_ACL_USER;
}

/* Cuts a copy of the text at its colons; false unless there are exactly four fields. */
static bool
fields_split(char *text, char *fields[4])
{
	int i;

	for (i = 0; i < 4; i++) {
		fields[i] = text;
		text = strchr(text, ':');
		if (text == NULL)
			return i == 3;
		*text++ = '\0';
	}
	return false;
}

static int
ace_from_fields(char *fields[4], struct daos_ace **ret_ace)
{
	uint64_t access, flags, perms;
	struct daos_ace *ace;

	if (!letters_parse(access_letters, fields[0], &access) ||
	    !letters_parse(flag_letters, fields[1], &flags) ||
	    !letters_parse(perm_letters, fields[3], &perms) || (access == 0 && perms != 0) ||
	    !daos_acl_principal_is_valid(fields[2]))
		return -DER_INVAL;
	ace = daos_ace_create(principal_type(fields[2], (flags & DAOS_ACL_FLAG_GROUP) != 0),
			      fields[2]);
	if (ace == NULL)
		return -DER_NOMEM;
	ace->dae_access_types = (uint8_t)access;
	ace->dae_access_flags = (uint16_t)flags;
	ace->dae_allow_perms = (access & DAOS_ACL_ACCESS_ALLOW) != 0 ? perms : 0;
	ace->dae_audit_perms = (access & DAOS_ACL_ACCESS_AUDIT) != 0 ? perms : 0;
	ace->dae_alarm_perms = (access & DAOS_ACL_ACCESS_ALARM) != 0 ? perms : 0;
	if (!daos_ace_is_valid(ace)) {
		daos_ace_free(ace);
		return -DER_INVAL;
	}
	*ret_ace = ace;
	return 0;
}

int
daos_ace_from_str(const char *str, struct daos_ace **ace)
{
	char text[DAOS_ACL_MAX_ACE_STR_LEN + 1];
	char *fields[4];

	if (str == NULL || ace == NULL || strlen(str) >= sizeof(text))
		return -DER_INVAL;
	strcpy(text, str);
	if (!fields_split(text, fields))
		return -DER_INVAL;
	return ace_from_fields(fields, ace);
}

/* Writing. */

/* A text that is cut when its buffer is full. */
struct line {
	char *buf;
	size_t size;
	size_t used;
};

static void
line_add(struct line *line, const char *text)
{
	size_t len = strlen(text);

	if (line->used + len < line->size)
		memcpy(line->buf + line->used, text, len + 1);
	line->used += len;
}

static int
line_end(const struct line *line)
{
	return line->used < line->size ? 0 : -DER_TRUNC;
}

static void
letters_write(struct line *line, const struct letter *letters, uint64_t bits)
{
	for (; letters->letter != 0; letters++) {
		char text[2] = {letters->letter, '\0'};

		if ((bits & letters->bit) != 0)
			line_add(line, text);
	}
}

static void
words_write(struct line *line, const struct letter *letters, uint64_t bits)
{
	const char *separator = "";

	for (; letters->letter != 0; letters++) {
		if ((bits & letters->bit) == 0)
			continue;
		line_add(line, separator);
		line_add(line, letters->word);
		separator = "/";
	}
}

/* The text has one set of permissions, so all access types of the entry must have the same. */
static int
common_perms(const struct daos_ace *ace, uint64_t *ret_perms)
{
	const uint64_t perms[] = {ace->dae_allow_perms, ace->dae_audit_perms, ace->dae_alarm_perms};
	bool known = false;
	size_t i;

	*ret_perms = 0;
	for (i = 0; i < ARRAY_SIZE(perms); i++) {
		if ((ace->dae_access_types & access_letters[i].bit) == 0)
			continue;
		if (known && perms[i] != *ret_perms)
			return -DER_INVAL;
		*ret_perms = perms[i];
		known = true;
	}
	return 0;
}

int
daos_ace_to_str(struct daos_ace *ace, char *buf, size_t buf_len)
{
	struct line line = {.buf = buf, .size = buf_len};
	uint64_t perms;

	if (buf == NULL || buf_len == 0 || !daos_ace_is_valid(ace) ||
	    common_perms(ace, &perms) != 0)
		return -DER_INVAL;
	letters_write(&line, access_letters, ace->dae_access_types);
	line_add(&line, ":");
	letters_write(&line, flag_letters, ace->dae_access_flags);
	line_add(&line, ":");
	line_add(&line, daos_ace_get_principal_str(ace));
	line_add(&line, ":");
	letters_write(&line, perm_letters, perms);
	return line_end(&line);
}

static const char *
principal_word(struct daos_ace *ace)
{
	switch (ace->dae_principal_type) {
	case DAOS_ACL_OWNER:
		return "Owner";
	case DAOS_ACL_OWNER_GROUP:
		return "Owner-Group";
	case DAOS_ACL_EVERYONE:
		return "Everyone";
	default:
		return ace->dae_principal;
	}
}

int
daos_ace_str_get_verbose(const char *ace_str, char *buf, size_t buf_len)
{
	struct line line = {.buf = buf, .size = buf_len};
	struct daos_ace *ace;
	uint64_t perms;
	int rc;

	if (buf == NULL || buf_len == 0)
		return -DER_INVAL;
	rc = daos_ace_from_str(ace_str, &ace);
	if (rc != 0)
		return rc;
	common_perms(ace, &perms);
	words_write(&line, access_letters, ace->dae_access_types);
	line_add(&line, ":");
	words_write(&line, flag_letters, ace->dae_access_flags);
	line_add(&line, ":");
	line_add(&line, principal_word(ace));
	line_add(&line, ":");
	if (perms == 0)
		line_add(&line, "No-Access");
	words_write(&line, perm_letters, perms);
	daos_ace_free(ace);
	return line_end(&line);
}

/* Lists of texts. */

static void
aces_free(struct daos_ace **aces, size_t nr)
{
	while (nr-- > 0)
		daos_ace_free(aces[nr]);
	d_free(aces);
}

int
daos_acl_from_strs(const char **ace_strs, size_t ace_nr, struct daos_acl **acl)
{
	struct daos_acl *list = NULL;
	struct daos_ace **aces;
	size_t i;
	int rc = 0;

	if (ace_strs == NULL || acl == NULL || ace_nr == 0 || ace_nr > UINT16_MAX)
		return -DER_INVAL;
	D_ALLOC_ARRAY(aces, ace_nr);
	if (aces == NULL)
		return -DER_NOMEM;
	for (i = 0; i < ace_nr && rc == 0; i++)
		rc = daos_ace_from_str(ace_strs[i], &aces[i]);
	if (rc == 0) {
		list = daos_acl_create(aces, (uint16_t)ace_nr);
		rc = list == NULL ? -DER_INVAL : 0;
	}
	if (rc == 0)
		*acl = list;
	aces_free(aces, ace_nr);
	return rc;
}

static void
strs_free(char **strs, size_t nr)
{
	while (nr-- > 0)
		d_free(strs[nr]);
	d_free(strs);
}

static size_t
aces_count(struct daos_acl *acl)
{
	struct daos_ace *ace = NULL;
	size_t nr = 0;

	while ((ace = daos_acl_get_next_ace(acl, ace)) != NULL)
		nr++;
	return nr;
}

int
daos_acl_to_strs(struct daos_acl *acl, char ***ace_strs, size_t *ace_nr)
{
	char text[DAOS_ACL_MAX_ACE_STR_LEN + 1];
	struct daos_ace *ace = NULL;
	size_t nr, i = 0;
	char **strs;
	int rc = 0;

	if (ace_strs == NULL || ace_nr == NULL || daos_acl_validate(acl) != 0)
		return -DER_INVAL;
	nr = aces_count(acl);
	D_ALLOC_ARRAY(strs, nr + 1);
	if (strs == NULL)
		return -DER_NOMEM;
	while (rc == 0 && (ace = daos_acl_get_next_ace(acl, ace)) != NULL) {
		rc = daos_ace_to_str(ace, text, sizeof(text));
		if (rc == 0) {
			D_STRNDUP(strs[i], text, sizeof(text));
			rc = strs[i++] == NULL ? -DER_NOMEM : 0;
		}
	}
	if (rc != 0) {
		strs_free(strs, nr);
		return rc;
	}
	*ace_strs = strs;
	*ace_nr = nr;
	return 0;
}

int
daos_acl_to_stream(FILE *stream, struct daos_acl *acl, bool verbose)
{
	char words[2 * DAOS_ACL_MAX_ACE_STR_LEN];
	size_t nr = 0, i;
	char **strs = NULL;
	int rc = 0;

	if (stream == NULL)
		return -DER_INVAL;
	if (acl != NULL)
		rc = daos_acl_to_strs(acl, &strs, &nr);
	if (rc != 0)
		return rc;
	fprintf(stream, "# Entries:\n%s", nr == 0 ? "#   None\n" : "");
	for (i = 0; i < nr; i++) {
		if (verbose && daos_ace_str_get_verbose(strs[i], words, sizeof(words)) == 0)
			fprintf(stream, "# %s\n", words);
		fprintf(stream, "%s\n", strs[i]);
	}
	strs_free(strs, nr);
	return ferror(stream) ? -DER_IO : 0;
}

/* Debugging. */

void
daos_ace_dump(struct daos_ace *ace, uint32_t tabs)
{
	char text[DAOS_ACL_MAX_ACE_STR_LEN + 1];

	if (daos_ace_to_str(ace, text, sizeof(text)) != 0)
		strcpy(text, "not a valid entry");
	D_PRINT("%*s%s\n", (int)MIN(tabs, 16U) * 8, "", text);
}

void
daos_acl_dump(struct daos_acl *acl)
{
	struct daos_ace *ace = NULL;

	if (daos_acl_validate(acl) != 0) {
		D_PRINT("not a valid access control list\n");
		return;
	}
	D_PRINT("access control list, version %u, %u bytes of entries\n", acl->dal_ver,
		acl->dal_len);
	while ((ace = daos_acl_get_next_ace(acl, ace)) != NULL)
		daos_ace_dump(ace, 1);
}
