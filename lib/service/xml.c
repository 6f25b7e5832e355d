#include "service/xml.h"

#include <libxml/xmlreader.h>
#include <pthread.h>

#include "base/text.h"

/* Once, before several threads read. */
static void prepare(void)
{
    xmlInitParser();
}

static void silent(void *to, const xmlError *error)
{
    (void)to;
    (void)error;
}

/* libxml2 2.12 made the error of this callback const; the older type differs in nothing else. */
#if LIBXML_VERSION < 21200
static void silence(void *to, xmlErrorPtr error)
{
    silent(to, error);
}
#else
#define silence silent
#endif

static bool broken(struct err *err, const char *why)
{
    return err_set(err, ERR_BAD_REQUEST, "The XML cannot be read: %s", why);
}

static struct text text_of_xml(const xmlChar *s)
{
    return text_of((const char *)s);
}

struct reading {
    xmlTextReaderPtr reader;
    const struct xml_handler *handler;
    void *to;
};

static bool tell_end(const struct reading *r, struct text name, struct err *err)
{
    return !r->handler->close || r->handler->close(r->to, name, err);
}

static bool tell_attributes(const struct reading *r, struct err *err)
{
    bool ok = true;
    while (ok && r->handler->attribute && xmlTextReaderMoveToNextAttribute(r->reader) == 1)
        ok = r->handler->attribute(r->to, text_of_xml(xmlTextReaderConstLocalName(r->reader)),
                                   text_of_xml(xmlTextReaderConstValue(r->reader)), err);
    xmlTextReaderMoveToElement(r->reader);
    return ok;
}

static bool tell_element(const struct reading *r, struct err *err)
{
    struct text name = text_of_xml(xmlTextReaderConstLocalName(r->reader));
    bool empty = xmlTextReaderIsEmptyElement(r->reader) == 1;
    if ((r->handler->open && !r->handler->open(r->to, name, err)) || !tell_attributes(r, err))
        return false;
    return !empty || tell_end(r, name, err);
}

static bool tell_node(const struct reading *r, struct err *err)
{
    if (xmlTextReaderDepth(r->reader) > XML_DEPTH_MAX)
        return broken(err, "it is too deep");
    if (r->handler->line)
        *r->handler->line = (size_t)xmlGetLineNo(xmlTextReaderCurrentNode(r->reader));
    switch (xmlTextReaderNodeType(r->reader)) {
    case XML_READER_TYPE_DOCUMENT_TYPE:
    case XML_READER_TYPE_ENTITY_REFERENCE: return broken(err, "document types and entities are not taken");
    case XML_READER_TYPE_ELEMENT: return tell_element(r, err);
    case XML_READER_TYPE_END_ELEMENT: return tell_end(r, text_of_xml(xmlTextReaderConstLocalName(r->reader)), err);
    case XML_READER_TYPE_TEXT:
    case XML_READER_TYPE_CDATA:
        return !r->handler->text || r->handler->text(r->to, text_of_xml(xmlTextReaderConstValue(r->reader)), err);
    default: return true;
    }
}

static bool read_all(const struct reading *r, struct err *err)
{
    int more = 0;
    size_t most = r->handler->nodes_max ? r->handler->nodes_max : XML_NODES_MAX;
    for (size_t nodes = 0; (more = xmlTextReaderRead(r->reader)) == 1; nodes++)
        if (nodes == most ? !broken(err, "it has too many parts") : !tell_node(r, err))
            return false;
    return more == 0 || broken(err, "it is not well-formed");
}

bool xml_read(struct text document, const struct xml_handler *handler, void *to, struct err *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare);
    if (document.n > (handler->read_max ? handler->read_max : XML_READ_MAX))
        return broken(err, "it is too long");
    /* No option that loads a DTD, puts entities in place or lifts libxml2's own limits. */
    struct reading r = {.reader = xmlReaderForMemory(document.p ? document.p : "", (int)document.n, NULL, NULL,
                                                     XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
                                                         XML_PARSE_COMPACT | XML_PARSE_BIG_LINES),
                        .handler = handler,
                        .to = to};
    if (!r.reader)
        return err_set(err, ERR_NO_MEMORY, "Not enough memory for a document");
    xmlTextReaderSetStructuredErrorHandler(r.reader, silence, NULL);
    bool ok = read_all(&r, err);
    xmlFreeTextReader(r.reader);
    return ok;
}
