/* SPDX-License-Identifier: BSD-2-Clause-Patent */
/* Option parsing has no public interface; the header is there for programs that include it. */
#ifndef __DAOS_CMD_PARSER_H__
#define __DAOS_CMD_PARSER_H__

#endif /* __DAOS_CMD_PARSER_H__ */
