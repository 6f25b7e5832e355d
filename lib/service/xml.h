/*
 * Reads an XML document from memory and tells its elements and texts one after another (libxml2's reader). Untrusted: a
 * document type is refused, so there are no entities but XML's own five; nothing is fetched from anywhere; size, depth
 * and number of nodes are limited.
 */
#ifndef SERVICE_XML_H
#define SERVICE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"
#include "base/text.h"

enum { XML_READ_MAX = 16 * 1024 * 1024, XML_DEPTH_MAX = 64, XML_NODES_MAX = 1000 * 1000 };

/* Names without their prefix; texts live until the callback returns, one text may come in pieces. Each may end the
 * reading (false with *err set). NULL: not asked for. */
struct xml_handler {
    bool (*open)(void *to, struct text name, struct err *err);
    bool (*text)(void *to, struct text piece, struct err *err);
    bool (*close)(void *to, struct text name, struct err *err);
    bool (*attribute)(void *to, struct text name, struct text value, struct err *err); /* after the element's open */
    size_t *line;               /* set before each call; NULL: not asked for */
    size_t read_max, nodes_max; /* instead of XML_READ_MAX and XML_NODES_MAX; 0: those */
};

/* ERR_BAD_REQUEST for what is no XML, or more than the limits; else the handler's own. */
bool xml_read(struct text document, const struct xml_handler *handler, void *to, struct err *err) MUST_CHECK;

#endif
